"""Short forms of claims, for the tests of what the pocket world's reader reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.pipelines.pocket.reading.request import read_request

__all__ = ["claims", "patched", "told"]


def told(row: Mapping[str, Any]) -> str:
    """A claim in a few signs: `cat 2`, `cat red`, `cat @left`, `cat left of dog`, `no dog`."""
    kind, subject, value = str(row["kind"]), str(row["subject"]), str(row["value"])
    text = str(row["text"])
    some = "" if text.startswith(("The ", "There ")) else f" ({text.split()[0].lower()})"
    forms = {
        "count": f"{subject} {value}",
        "object": f"{subject} {value or 'some'}",
        "place": f"{subject} @{value}{some}",
        "relation": f"{subject} {value} {row['object']}",
        "absent": f"no {value} {subject}".replace("  ", " "),
        "text": f'"{value}"',
    }
    looks = f"{subject} {value}{some}"
    return forms.get(kind, looks if subject else f"{kind} {value}")


def claims(request: str) -> list[dict[str, Any]]:
    """The numbered claims of the version that a request leads to."""
    read = read_request(request)
    asked = [{**row, "source": "asked"} for row in read.asked]
    invented = [{**row, "source": "invented"} for row in read.invented]
    return [{**row, "number": n + 1} for n, row in enumerate([*asked, *invented])]


def patched(held: list[dict[str, Any]], call: Mapping[str, Any]) -> str:
    """What a patch does: `+ added; - removed; old > new`, sorted."""
    by_number = {row["number"]: row for row in held}
    said = [f"+ {told(row)}" for row in call["add"]]
    said += [f"- {told(by_number[n])}" for n in call["remove"]]
    said += [f"{told(by_number[row['number']])} > {told(row)}" for row in call["change"]]
    return "; ".join(sorted(said))
