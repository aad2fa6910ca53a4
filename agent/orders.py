"""An order as plain values, without the picture that it may start from, and the ways back to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from limner.pipelines.roles import Order, Start

__all__ = ["past", "written"]


def written(order: Order) -> dict[str, Any]:
    """The order as JSON can hold it: of its start, all but the picture.

    An order that starts from nothing is written as it always was.
    """
    plain = asdict(replace(order, start=None))
    del plain["start"]
    return plain | ({"start": _start(order.start)} if order.start else {})


def past(order: Order) -> Iterator[Order]:
    """The orders that the order's start was painted from, the latest first."""
    while order.start and order.start.order:
        order = order.start.order
        yield order


def _start(start: Start) -> dict[str, Any]:
    plain: dict[str, Any] = {"strength": start.strength, "box": start.box}
    if start.company:
        plain["company"] = start.company
    if start.gone:
        plain["gone"] = start.gone
    return plain | ({"order": written(start.order)} if start.order else {})
