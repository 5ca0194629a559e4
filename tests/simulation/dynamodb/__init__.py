"""A model of DynamoDB as its clients see it: requests and answers in the wire format, errors as botocore raises them.

It is held to the embedded AWS, and where that is lax to the service's documentation, by `test_conformance`.
"""

from tests.simulation.dynamodb.client import DynamoDbModelClient, Network
from tests.simulation.dynamodb.service import DynamoDbModel

__all__ = ["DynamoDbModel", "DynamoDbModelClient", "Network"]
