"""The Regions that the tests play in."""

from typing import Final

HERE: Final = "us-east-1"
THERE: Final = "eu-west-1"
REGIONS: Final = (HERE, THERE)
