"""Studios of fakes, and what is looked for among their events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from limner.agent.events import Event, Finished
from limner.agent.records import Result, Settings
from limner.agent.search.rounds import Rounds
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

WISH = "two red cats and a dog at night"  # the fake writer's claims: two red cats; dog; night
DRAWN = {  # what a better writer says of it
    "asked": [
        {"quote": "two red cats", "text": "There are two cats."},
        {"quote": "a dog", "text": "There is one dog."},
        {"quote": "red cats", "text": "The cats are red."},
        {"quote": "at night", "text": "It is night.", "kind": "light", "value": "night"},
    ],
    "prompt": WISH,
}


def studio(
    writer: FakeWriter | None = None,
    painter: FakePainter | None = None,
    critic: FakeCritic | None = None,
    **settings: Any,
) -> Studio:
    return Studio(
        writer or FakeWriter(),
        painter or FakePainter(),
        critic or FakeCritic(),
        Settings(**{"images_per_round": 2, "budget": 6.0, **settings}),
        Rounds(),
    )


def replying(*replies: dict[str, Any]) -> FakeWriter:
    """A writer that says these, the last for ever."""
    return FakeWriter(replies=tuple(json.dumps(reply) for reply in replies))


def never() -> FakeCritic:
    """A critic whom nothing pleases, though the third take pleases it more than the others."""
    return FakeCritic([[0.9, 0.2], [0.9, 0.1], [0.9, 0.3], [0.1]])


def result_of(events: Sequence[Event]) -> Result:
    assert isinstance(events[-1], Finished)
    return events[-1].result


def of_kind(kind: type[Any], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
