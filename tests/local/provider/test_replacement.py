"""Which properties replace a resource: held to the services' own models, not to a list that somebody wrote."""

from collections.abc import Mapping

import pytest

from local.handlers.base import Context
from local.handlers.generic import Operations
from local.handlers.generic_types import GENERIC
from local.handlers.registry import handler_for
from local.handlers.shapes import letters
from local.recording import Graph
from tests.local.provider.conftest import Provider

# Changed by calls of their own, which no test of a laptop looks at.
CHANGED_OTHERWISE = {"tags", "description"}


@pytest.mark.parametrize("type_", sorted(GENERIC))
def test_what_the_updating_operation_does_not_take_is_replaced(
    graphs: Mapping[str, Graph], provider: Provider, type_: str
) -> None:
    operations, handler = GENERIC[type_], handler_for(type_)
    declared = {key for graph in graphs.values() for resource in graph.of_type(type_) for key in resource.inputs}

    created = _taken(provider.context, operations, operations.create)
    updated = _taken(provider.context, operations, operations.update) if operations.update else set[str]()

    only_created = {key for key in declared if letters(key) in created - updated}
    assert only_created - {*handler.replaced_by} <= CHANGED_OTHERWISE


def test_a_user_pool_is_protected_by_an_update(provider: Provider) -> None:
    declared = {"region": "us-east-1", "name": "people", "deletionProtection": "INACTIVE"}
    pool = provider.create("aws:cognito/userPool:UserPool", "people", **declared)

    provider.update(pool, declared | {"deletionProtection": "ACTIVE"})

    described = provider.context.call("cognito-idp", "us-east-1", "DescribeUserPool", {"UserPoolId": pool.id})
    assert described["UserPool"]["DeletionProtection"] == "ACTIVE"


def _taken(context: Context, operations: Operations, operation: str) -> set[str]:
    """Return the letters of the properties that an operation takes."""
    members = context.input_shape(operations.service, operation).members
    taken = {letters(operations.names.get(member, member)) for member in members}
    for member, shape in members.items():
        if letters(member) == letters(operations.wrapper):
            taken |= {letters(inner) for inner in shape.members}
    return taken
