"""How the Single View reads and writes: DynamoDB behind the port of the application."""
