"""What loyalty knows: rules, event streams and balances. Pure: no AWS, no clock, no other context."""
