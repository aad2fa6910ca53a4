"""Measures what the briefs of fresh wishes keep: their things, and all else that was stated.

`python -m benchmarks.kept` writes briefs and paints nothing. The wishes are drawn as those of
MicroGenEval are, half of them as people type them, and none is among the frozen ones.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random

from limner.agent.brief import Scribe
from limner.agent.draft import Draft
from limner.agent.records import Brief
from limner.benchmarks.asked import Asked
from limner.benchmarks.prompts import SIZES, drawn, prompts
from limner.configs import load
from limner.pipelines import registry
from limner.pipelines.pocket.language.brief_json import Facts, broken


@dataclass(frozen=True, slots=True)
class Kept:
    """A wish, its brief, and what of the wish the brief lacks: "thing cat", "relation cat"."""

    wish: str
    brief: Brief
    missing: tuple[str, ...]

    @property
    def things(self) -> bool:
        """Whether every kind of thing that was wished for is in the brief, as it was wished for."""
        return not any(fault.startswith("thing ") for fault in self.missing)


def main() -> None:
    """Print the shares, and each wish that lost something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="pocket")
    parser.add_argument("--domain", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    profile = load(given.profile)
    writer = registry.open_writer(profile.writer.name, profile.writer.settings)
    scribe = Scribe(writer, profile.domain if given.domain else "", None, profile.expansion)
    found = [kept(scribe, wish, asked) for wish, asked in wishes(given.count, given.seed)]
    for one in found:
        if one.missing:
            print(f"{one.wish}\n  {one.brief.prompt}\n  lacks: {', '.join(one.missing)}")
    print(table(found))


def wishes(count: int, seed: int) -> Iterator[tuple[str, Asked]]:
    """Fresh wishes: every second one as people type it, the others of each category in turn."""
    taken = {p.request.casefold() for split in ("test", "development") for p in prompts(split)}
    made = [category for category in SIZES if category != "wild"]
    for number in range(count):
        category = "wild" if number % 2 else made[number // 2 % len(made)]
        request, asked = drawn(category, Random(f"kept/{seed}/{number}"), taken)
        taken.add(request.casefold())
        yield request, asked


def kept(scribe: Scribe, wish: str, asked: Asked) -> Kept:
    """What the brief of a wish keeps of it."""
    spec = asked.spec
    facts = Facts(spec.groups, spec.links, spec.where, spec.light, spec.style, asked.absent)
    drafting = scribe.expand(wish, seed=1)
    while True:
        try:
            next(drafting)
        except StopIteration as end:
            brief: Brief = end.value.brief
            return Kept(wish, brief, tuple(broken(facts, _told(brief))))


def table(found: Sequence[Kept]) -> str:
    """The shares of wishes of which the brief has all things, and everything, by language."""
    rows: dict[str, list[Kept]] = defaultdict(list)
    for one in found:
        rows["English" if one.wish.isascii() else "Chinese"].append(one)
        rows["all"].append(one)
    lines = [f"{'wishes':8} {'n':>5} {'things':>7} {'all':>7}"]
    for name, ones in rows.items():
        shares = (sum(o.things for o in ones), sum(not o.missing for o in ones))
        told = " ".join(f"{share / len(ones):7.3f}" for share in shares)
        lines.append(f"{name:8} {len(ones):5} {told}")
    return "\n".join(lines)


def _told(brief: Brief) -> dict[str, object]:
    fields = Draft.of(brief).model_dump()
    return {**fields, "things": [asdict(t) for t in brief.things]}


if __name__ == "__main__":
    main()
