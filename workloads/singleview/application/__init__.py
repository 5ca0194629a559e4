"""What the Single View does: record a fact, show a customer; and the port that both need."""
