"""How loyalty reads and writes: DynamoDB behind the ports of the application."""
