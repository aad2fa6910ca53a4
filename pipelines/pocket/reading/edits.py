"""Reads a change of a picture as a patch: claims to add, to remove, and to change by number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from limner.pipelines.pocket.reading.exchanging import ExchangeChanges
from limner.pipelines.pocket.reading.partition import clauses_of, named_apart
from limner.pipelines.pocket.reading.patches import Held, Patch
from limner.pipelines.pocket.reading.phrases import Item

__all__ = ["edit"]


def edit(items: Sequence[Item], text: str, held: Held, topic: Sequence[str] = ()) -> Patch:
    """The patch that a line means, said after something about the things of `topic`.

    Raises `Unclear` where it could mean more than one thing.
    """
    patch = Patch(held)
    clauses, named = named_apart(clauses_of(items), held)
    topic = named or [subject for subject in topic if subject in held.subjects()]
    for clause in clauses:
        worker = ExchangeChanges(clause, text, held, patch, topic)
        worker.tell_apart()
        any(rule(worker) for rule in _RULES)
        topic = worker.topic or topic
    return patch


_Rule = Callable[[ExchangeChanges], bool]
_RULES: tuple[_Rule, ...] = (
    ExchangeChanges.complain,
    ExchangeChanges.keep_only,
    ExchangeChanges.exchange,
    ExchangeChanges.exchange_things,
    ExchangeChanges.share,
    ExchangeChanges.multiply,
    ExchangeChanges.fewer,
    ExchangeChanges.number,
    ExchangeChanges.say_of_things,
)
