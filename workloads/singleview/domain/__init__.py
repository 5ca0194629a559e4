"""What the Single View holds: facts about a customer. Pure: no AWS, no clock, no other context."""
