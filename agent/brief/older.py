"""Reads briefs, critiques and recipes as version 0.1 wrote them: its pictures and archives open."""

from __future__ import annotations

from typing import Any

from limner.agent.brief.english import NUMBERS, plural

__all__ = [
    "brief_now",
    "critique_now",
    "image_request_now",
    "recipe_now",
]


_KINDS = {"where": "scene", "avoid": "absent", "said": "other"}
_RENAMED = {
    "order": "image_request",
    "takes": "candidates",
    "company": "batch_seeds",
    "gone": "dropped_at",
    "sketch": "draft",
}
_SHORT, _MOST = 300, 32


def brief_now(kept: Any) -> Any:
    """A brief as JSON has it now: one of things, relations and a setting becomes one of claims.

    Anything else comes back as it is, for the caller to check.
    """
    if not isinstance(kept, dict) or not {"things", "avoid", "manner", "relations"} & set(kept):
        return kept
    return {
        "request": kept.get("request", ""),
        "prompt": kept.get("prompt", ""),
        "reply": kept.get("reply", ""),
        "claims": [*_claims(kept)][:_MOST],
        "negative": _texts(kept.get("avoid")),
        "style_prompt": kept.get("manner", ""),
        "style_negative": _texts(kept.get("unlike")),
    }


def critique_now(kept: Any) -> Any:
    """A critique as JSON has it now: where something is stands in the value of its claim."""
    if not isinstance(kept, dict) or not isinstance(kept.get("claims"), list):
        return kept
    now = {_RENAMED.get(key, key): value for key, value in kept.items()}
    return {**now, "claims": [_claim(claim) for claim in kept["claims"]]}


def image_request_now(kept: Any) -> Any:
    """What a picture was painted from, as JSON has it now; `start` may hold another one."""
    if not isinstance(kept, dict) or not isinstance(kept.get("start"), dict):
        return kept
    start = {_RENAMED.get(key, key): value for key, value in kept["start"].items()}
    if "image_request" in start:
        start["image_request"] = image_request_now(start["image_request"])
    return {**kept, "start": start}


def recipe_now(kept: Any) -> Any:
    """A recipe as JSON has it now; one of today comes back as it is."""
    if not isinstance(kept, dict) or kept.get("schema_version", 2) not in (1, 2):
        return kept
    now = {_RENAMED.get(key, key): value for key, value in kept.items()}
    return now | {
        "schema_version": 3,
        "brief": brief_now(kept.get("brief")),
        "critique": critique_now(kept.get("critique")),
        "image_request": image_request_now(now.get("image_request")),
    }


def _claim(kept: Any) -> Any:
    if not isinstance(kept, dict) or "source" in kept or "how" not in kept:
        return kept
    rest = {key: value for key, value in kept.items() if key != "how"}
    return {
        **rest,
        "kind": _KINDS.get(kept.get("kind", ""), kept.get("kind")),
        "value": kept["how"],
    }


def _claims(kept: dict[str, Any]) -> Any:
    for thing in _dicts(kept.get("things")):
        name, count = str(thing.get("name", "")), thing.get("count", 1)
        number = count if isinstance(count, int) and 0 < count < len(NUMBERS) else 1
        noun, be = (plural(name), "are") if number > 1 else (name, "is")
        yield _said(f"There {be} {NUMBERS[number]} {noun}.", "count", name, str(number))
        for kind in ("colour", "size", "place"):
            if value := thing.get(kind):
                yield _said(f"The {noun} {be} {value}.", kind, name, str(value))
    for one in _dicts(kept.get("relations")):
        name, how, other = (str(one.get(key, "")) for key in ("thing", "how", "other"))
        yield {**_said(f"The {name} is {how} the {other}.", "relation", name, how), "object": other}
    for key, kind in (("where", "scene"), ("light", "light"), ("style", "style")):
        if value := kept.get(key):
            yield _said(f"The {kind} is {value}.", kind, "", str(value))
    for name in _texts(kept.get("avoid")):
        yield _said(f"There is no {name}.", "absent", name)


def _said(text: str, kind: str, subject: str, value: str = "") -> dict[str, Any]:
    said = {"text": text, "subject": subject, "value": value}
    return {key: word[:_SHORT] for key, word in said.items()} | {"kind": kind}


def _dicts(kept: Any) -> list[dict[str, Any]]:
    return [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []


def _texts(kept: Any) -> list[str]:
    return [str(one) for one in kept] if isinstance(kept, list) else []
