"""Errors as botocore raises them: the very classes that a real client makes of the service's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import botocore.loaders
from botocore.errorfactory import BaseClientExceptions, ClientExceptionsFactory
from botocore.exceptions import ClientError
from botocore.model import ServiceModel


@cache
def exceptions_of(service: str) -> BaseClientExceptions:
    """Return what a client of the service has as its `exceptions`."""
    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    return ClientExceptionsFactory().create_client_exceptions(ServiceModel(description, service))


def error(
    code: str, message: str, operation: str, *, service: str = "dynamodb", fields: Mapping[str, Any] | None = None
) -> ClientError:
    """Return the error that a client raises for this code."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "model"},
        "message": message,
        **(fields or {}),
    }
    kind: type[ClientError] = getattr(exceptions_of(service), code, ClientError)
    return kind(response, operation)


def cancelled(reasons: Sequence[Mapping[str, Any]], operation: str) -> ClientError:
    """Return the error of a transaction that was cancelled, with a reason for each action in its order."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return error("TransactionCanceledException", message, operation, fields={"CancellationReasons": list(reasons)})
