from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError

from workloads.runtime.client_models import session

SERVICES = ("dynamodb", "events", "s3", "sqs", "stepfunctions")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_has_the_endpoint_and_the_operations_that_botocore_itself_gives_it(service: str) -> None:
    ours, theirs = (
        made.create_client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        for made in (session(), botocore.session.get_session())
    )

    assert ours.meta.endpoint_url == theirs.meta.endpoint_url
    assert ours.meta.service_model.operation_names == theirs.meta.service_model.operation_names
    for operation in ours.meta.service_model.operation_names:
        mine = ours.meta.service_model.operation_model(operation)
        its = theirs.meta.service_model.operation_model(operation)
        assert list(mine.input_shape.members if mine.input_shape else ()) == list(
            its.input_shape.members if its.input_shape else ()
        )


def test_a_service_that_does_not_exist_has_no_client() -> None:
    with pytest.raises(DataNotFoundError):
        session().create_client("warehouse", region_name="eu-west-1")
