"""Says what is wrong with an argument in one plain sentence, in place of pydantic's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.agent.plain import one_line

__all__ = ["field_error", "field_name"]

_OUTER = ("body", "query", "path", "form")  # where FastAPI found a field
_LIMITS = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_pattern_mismatch": "is not of the form that is needed: {pattern}",
}
_KINDS = {
    "bool": "must be true or false",
    "dict": "must be a JSON object",
    "finite": "must be a number",
    "float": "must be a number",
    "int": "must be a whole number",
    "list": "must be a list",
    "model": "must be a JSON object",
    "string": "must be a text",
}


def field_name(error: Mapping[str, Any]) -> str:
    """Which argument one of pydantic's errors is about: "messages.0.role"; "" for all of them."""
    parts = [str(part) for part in error["loc"]]
    parts = parts[1:] if parts[:1] and parts[0] in _OUTER else parts
    names = [part for part in parts if part != "str" and "[" not in part]  # no types of a union
    return one_line(".".join(names), 80)


def field_error(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence that names the argument and what to send."""
    kind, known = str(error["type"]), error.get("ctx", {})
    name = field_name(error) or "the request"
    if kind == "missing":
        return f"{name} is missing; send it"
    if kind == "extra_forbidden":
        return f"{name} is not known here; leave it out"
    if kind == "json_invalid":
        return "the request is not valid JSON; mend it"
    if not field_name(error) and kind.startswith(("model", "dict")):
        return f"{name} must be a JSON object, sent with Content-Type: application/json"
    if kind in ("string_too_short", "too_short"):
        least = known.get("min_length", 1)
        return f"{name} is empty" if least == 1 else f"{name} is too short; send {least} or more"
    if kind in ("string_too_long", "too_long"):
        unit = " characters" if kind == "string_too_long" else ""
        return f"{name} is too long; send {known.get('max_length')}{unit} at most"
    if kind == "value_error":
        said = str(known.get("error") or error["msg"])
        return one_line(f"{name}: {said}" if field_name(error) else said, 300)
    return one_line(f"{name} {_must(kind, known)}", 300)


def _must(kind: str, known: Mapping[str, Any]) -> str:
    if kind == "literal_error":
        return f"must be {known.get('expected')}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**known)
    return _KINDS.get(kind.partition("_")[0], "is not of the form that is needed")
