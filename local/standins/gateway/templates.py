"""Mapping templates: Velocity with the variables of API Gateway.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, cast
from urllib.parse import quote_plus, unquote_plus

import airspeed
import airspeed.operators

from local.standins.gateway import jsonpath
from local.standins.gateway.call import Call


def _compare_to(text: str, other: str) -> int:
    return (text > other) - (text < other)


# Java's String.compareTo, which API Gateway's templates can call and airspeed lacks; of the difference, the sign.
_METHODS: Final = cast("dict[type, dict[str, Callable[..., Any]]]", airspeed.operators.__additional_methods__)
_METHODS[str]["compareTo"] = _compare_to


class TemplateFailedError(Exception):
    """A mapping template could not be rendered."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template's text and what it set in `$context.requestOverride` or `$context.responseOverride`."""

    text: str
    override_status: int | None
    override_headers: Mapping[str, str]


def render(template: str, *, call: Call, body: bytes, override: str) -> Rendered:
    """Render a template; `override` is `requestOverride` or `responseOverride`, which it may set."""
    overrides = _Namespace(header=_Namespace(), querystring=_Namespace(), path=_Namespace())
    context = _namespace({**call.request_context(), "status": call.integration_status or ""})
    context[override] = overrides
    variables = {
        "input": _Input(call, body),
        "util": _Util(),
        "context": context,
        "stageVariables": _namespace(call.api.stage_variables),
    }
    try:
        text = _compiled(template).merge(variables)
    except Exception as error:  # the engine raises whatever an expression of the template raises
        raise TemplateFailedError(f"{call.method} {call.path}: {error}") from error
    status: str | int = overrides["status"]
    return Rendered(
        text=text,
        override_status=int(status) if status != "" else None,
        override_headers={str(name): str(value) for name, value in overrides["header"].items()},
    )


@lru_cache(maxsize=256)
def _compiled(template: str) -> airspeed.Template:
    compiled = airspeed.Template(template)
    compiled.ensure_compiled()
    return compiled


class _Namespace(dict[str, Any]):
    """A map as a template sees it: an absent key is empty text, and Python's own dict methods do not show."""

    def __missing__(self, key: str) -> Any:
        method = _JAVA_MAP_METHODS.get(key)
        return partial(method, self) if method else ""

    def __str__(self) -> str:
        # Java's Map.toString, which is what a template gets that prints a map.
        return "{" + ", ".join(f"{key}={value}" for key, value in self.items()) + "}"


def _put(fields: _Namespace, key: str, value: Any) -> str:
    fields[key] = value
    return ""


def _get(fields: _Namespace, key: str) -> Any:
    return fields.get(key)


def _contains_key(fields: _Namespace, key: str) -> bool:
    return key in fields


def _entry_set(fields: _Namespace) -> list[_Namespace]:
    return [_Namespace(key=key, value=value) for key, value in fields.items()]


def _key_set(fields: _Namespace) -> list[str]:
    return list(fields)


def _values(fields: _Namespace) -> list[Any]:
    return list(fields.values())


def _is_empty(fields: _Namespace) -> bool:
    return not fields


_JAVA_MAP_METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "containsKey": _contains_key,
    "entrySet": _entry_set,
    "get": _get,
    "isEmpty": _is_empty,
    "keySet": _key_set,
    "put": _put,
    "size": len,
    "toString": str,
    "values": _values,
}


def _namespace(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Namespace({key: _namespace(item) for key, item in cast("Mapping[str, Any]", value).items()})
    if isinstance(value, list):
        return [_namespace(item) for item in cast("list[Any]", value)]
    return value


class _Input:
    """`$input`."""

    def __init__(self, call: Call, body: bytes) -> None:
        self._call = call
        self.body = body.decode("utf-8", errors="replace")
        self._document: Any = None
        self._parsed = False

    def path(self, expression: str) -> Any:
        """The value at a JSONPath; empty text where there is none."""
        return _namespace(self._select(expression))

    def json(self, expression: str) -> str:
        """The value at a JSONPath as JSON text."""
        return json.dumps(self._select(expression), ensure_ascii=False, separators=(",", ":"))

    def params(self, name: str | None = None) -> Any:
        """A parameter, looked up in path, query string and headers in this order; or all of them."""
        call = self._call
        if name is not None:
            found = (call.path_parameters.get(name), call.query.last(name), call.headers.last(name))
            return next((value for value in found if value is not None), "")
        return _namespace(
            {"path": call.path_parameters, "querystring": call.query.single(), "header": call.headers.single()}
        )

    def _select(self, expression: str) -> Any:
        if not self._parsed:
            # An empty body is an empty object to $input, as in the data model of API Gateway.
            self._document = json.loads(self.body) if self.body.strip() else {}
            self._parsed = True
        found = jsonpath.find(self._document, expression)
        if not jsonpath.is_definite(expression):
            return found
        return found[0] if found else ""


class _Util:
    """`$util`."""

    def escapeJavaScript(self, text: object) -> str:  # noqa: N802 - the template's name
        r"""Escape as Apache Commons' escapeEcmaScript does: a single quote becomes \', which JSON does not allow.

        So a template must turn it back with .replaceAll("\\'", "'"), here as on AWS.
        """
        return "".join(_escape(character) for character in ("" if text is None else str(text)))

    def parseJson(self, text: str) -> Any:  # noqa: N802 - the template's name
        """JSON text as an object."""
        return _namespace(json.loads(text))

    def urlEncode(self, text: object) -> str:  # noqa: N802 - the template's name
        """Encode as application/x-www-form-urlencoded."""
        return quote_plus(str(text), safe="*-._")

    def urlDecode(self, text: str) -> str:  # noqa: N802 - the template's name
        """Decode application/x-www-form-urlencoded."""
        return unquote_plus(text)

    def base64Encode(self, text: object) -> str:  # noqa: N802 - the template's name
        """Encode as base64."""
        return base64.b64encode(str(text).encode()).decode()

    def base64Decode(self, text: str) -> str:  # noqa: N802 - the template's name
        """Decode base64."""
        return base64.b64decode(text).decode("utf-8", errors="replace")


_ESCAPES: Final = {
    "'": "\\'", '"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r",
}  # fmt: skip


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    # Java's characters are UTF-16 units, so what lies outside of the first plane becomes a pair.
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))
