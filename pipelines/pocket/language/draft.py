"""A brief under change: what follows from moving, removing or exchanging one of its things."""

from __future__ import annotations

from dataclasses import dataclass, replace

from limner.pipelines.pocket.spec import OPPOSITE, Group, Link, Spec
from limner.pipelines.pocket.world import MOST

MIRROR = {"left": "right", "right": "left", "centre": "centre", "": ""}


@dataclass(slots=True)
class Draft:
    """The parts of a brief, free to change; what is not touched stays exactly as it was."""

    groups: list[Group]
    links: list[Link]
    where: str
    light: str
    style: str
    avoid: list[str]

    @property
    def spec(self) -> Spec:
        """The scene as it now stands."""
        return Spec(tuple(self.groups), tuple(self.links), self.where, self.light, self.style)

    def copy(self) -> Draft:
        """The same, to try something on."""
        return replace(
            self, groups=list(self.groups), links=list(self.links), avoid=list(self.avoid)
        )

    @property
    def room(self) -> int:
        """How many more things fit."""
        return MOST - sum(g.count for g in self.groups)

    def change(self, name: str, **values: object) -> None:
        """Give one thing other values; a new place ends the relations that the thing was in."""
        self.groups = [replace(g, **values) if g.name == name else g for g in self.groups]  # type: ignore[arg-type]
        if "place" in values:
            self.unlink(name)

    def unlink(self, name: str) -> None:
        """End the relations of a thing."""
        self.links = [k for k in self.links if name not in (k.thing, k.other)]

    def add(self, group: Group) -> None:
        """One more kind of thing, which is then no longer unwanted."""
        self.groups.append(group)
        self.avoid = [n for n in self.avoid if n != group.name]

    def remove(self, name: str) -> None:
        """No such thing any more, and none wanted."""
        self.groups = [g for g in self.groups if g.name != name]
        self.unlink(name)
        self.refuse(name)

    def refuse(self, name: str) -> None:
        """Add to what must not be there."""
        if name not in self.avoid:
            self.avoid.append(name)

    def rename(self, name: str, other: str) -> None:
        """Another thing in its stead, with all else that was said of it."""
        self.groups = [replace(g, name=other) if g.name == name else g for g in self.groups]
        self.links = [
            Link(
                other if k.thing == name else k.thing, k.how, other if k.other == name else k.other
            )
            for k in self.links
        ]
        self.avoid = [n for n in self.avoid if n != other]

    def relate(self, link: Link) -> None:
        """One thing as seen from another; their places in the picture no longer bind."""
        for name in (link.thing, link.other):
            self.change(name, place="")
        self.links.append(link)

    def swap(self, one: str, other: str) -> None:
        """Two things change places, in the picture or as seen from each other."""
        places = {g.name: g.place for g in self.groups}
        fallen = {
            one: places[other] or MIRROR[places[one]],
            other: places[one] or MIRROR[places[other]],
        }
        self.groups = [replace(g, place=fallen.get(g.name, g.place)) for g in self.groups]
        self.links = [
            replace(k, how=OPPOSITE[k.how]) if {k.thing, k.other} == {one, other} else k
            for k in self.links
        ]
