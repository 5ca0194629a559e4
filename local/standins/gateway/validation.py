"""Request validation: required parameters, then the body against its model (JSON Schema draft 4).

API Gateway checks of parameters only that the required ones are there and not blank; a body whose content type has no
model is not checked:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, cast

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from local.standins.gateway.call import Call, GatewayError
from local.standins.gateway.definition import Operation

# "The maxItems and minItems tags are not included in simple request validation":
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_UNCHECKED: Final = {"maxItems": None, "minItems": None}
_Validator: Final = extend(Draft4Validator, _UNCHECKED)


class RequestValidators:
    """The compiled validators of every operation."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._validators = {
            (operation.resource, operation.method, content_type): _Validator(schema)
            for operation in operations
            for content_type, schema in operation.validation.body_schemas.items()
        }

    def check(self, call: Call, operation: Operation) -> None:
        """Raise BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY where the request is not as declared."""
        missing = [
            source.name
            for source in operation.validation.required_parameters
            if not (call.parameter(source) or "").strip()
        ]
        if missing:
            message = f"Missing required request parameters: [{', '.join(missing)}]"
            raise GatewayError("BAD_REQUEST_PARAMETERS", message, validation_error=message)
        if operation.validation.body_schemas:
            self._check_body(call, operation)

    def _check_body(self, call: Call, operation: Operation) -> None:
        key = (operation.resource, operation.method)
        validator = self._validators.get((*key, call.content_type)) or self._validators.get((*key, "$default"))
        if validator is None:
            return
        if not call.body.strip() and not operation.validation.body_required:
            return
        try:
            document = json.loads(call.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise _invalid("[unable to parse the request body as JSON]") from error
        errors = [_describe(error) for error in validator.iter_errors(document)]
        if errors:
            raise _invalid(f"[{', '.join(errors)}]")


def _invalid(validation_error: str) -> GatewayError:
    return GatewayError("BAD_REQUEST_BODY", "Invalid request body", validation_error=validation_error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _names(values: Any) -> str:
    return json.dumps(sorted(values), separators=(",", ":"))


# bool before int: Python's bool is an int.
_TYPE_NAMES: Final = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"))


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    return next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "object")


def _listed(declared: Any) -> list[Any]:
    return cast("list[Any]", declared) if isinstance(declared, list) else [declared]


def _additional(_declared: Any, value: Any, schema: Mapping[str, Any]) -> str:
    unknown = set(value) - set(schema.get("properties", {}))
    return f"object instance has properties which are not allowed by the schema: {_names(unknown)}"


def _required(declared: Any, value: Any, _schema: Mapping[str, Any]) -> str:
    return f"object has missing required properties ({_names(set(declared) - set(value))})"


def _type(declared: Any, value: Any, _schema: Mapping[str, Any]) -> str:
    allowed = _names(_listed(declared))
    return f"instance type ({_type_name(value)}) does not match any allowed primitive type (allowed: {allowed})"


# The words of the validator that API Gateway uses, which clients see by $context.error.validationErrorString.
_WORDS: Final[Mapping[str, Callable[[Any, Any, Mapping[str, Any]], str]]] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "enum": lambda declared, value, _: (
        f"instance value ({json.dumps(value)}) not found in enum (possible values: {json.dumps(declared)})"
    ),
    "pattern": lambda declared, value, _: f'ECMA 262 regex "{declared}" does not match input string "{value}"',
    "minimum": lambda declared, value, _: (
        f"numeric instance is lower than the required minimum (minimum: {declared}, found: {value})"
    ),
    "maximum": lambda declared, value, _: (
        f"numeric instance is greater than the required maximum (maximum: {declared}, found: {value})"
    ),
    "minLength": lambda declared, value, _: (
        f'string "{value}" is too short (length: {len(value)}, required minimum: {declared})'
    ),
    "maxLength": lambda declared, value, _: (
        f'string "{value}" is too long (length: {len(value)}, maximum allowed: {declared})'
    ),
}


def _describe(error: ValidationError) -> str:
    words = _WORDS.get(str(error.validator))
    if words is None:
        return error.message
    return words(error.validator_value, error.instance, cast("Mapping[str, Any]", error.schema))
