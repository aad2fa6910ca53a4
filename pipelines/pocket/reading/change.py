"""One change of a line: the things that it is about, and what it makes of their claims."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.claims import row, some
from limner.pipelines.pocket.reading.clauses import gather
from limner.pipelines.pocket.reading.noun_phrases import Look, Mention
from limner.pipelines.pocket.reading.patches import Held, Patch, Unclear
from limner.pipelines.pocket.reading.phrases import Item
from limner.pipelines.pocket.reading.replies import chinese_name

__all__ = ["MOST", "Change", "dropped"]

MOST = 100
_OF_ONE = ("colour", "size", "place", "action", "attribute")


class Change:
    """One change of a line: what it is about, and what it puts into the patch."""

    def __init__(
        self, items: list[Item], text: str, held: Held, patch: Patch, topic: Sequence[str]
    ) -> None:
        self.items = items
        self.text = text
        self.held = held
        self.patch = patch
        self.before = list(topic)
        self.topic: list[str] = []
        self.begun = self.marks()
        self.reading = gather([i for i in items if not dropped(i)])
        self.chinese = any(i.chinese for i in items)

    def changed(self) -> bool:
        """Whether this clause changed anything yet."""
        return self.marks() != self.begun

    def marks(self) -> tuple[int, int, int]:
        return len(self.patch.add), len(self.patch.remove), len(self.patch.change)

    def has(self, *kinds: str) -> bool:
        return any(i.is_(*kinds) for i in self.items)

    def whole(self) -> str:
        """All that this clause says, without small words at its ends."""
        core = [
            i for i in self.items if not i.is_("filler", "comma", "aside", "sign")
        ] or self.items
        return self.text[core[0].start : core[-1].end]

    def tell_apart(self) -> None:
        """`the red one` is the thing that is red."""
        for mention in self.reading.mentions:
            if mention.pronoun != "which":
                continue
            known = None
            for look in [k for k in mention.looks if k.start < mention.head[0]]:
                found = self.held.looking(look.kind, look.value)
                known = found if known is None else [s for s in known if s in found]
            if not known:
                raise Unclear("no_such", what=self.text[mention.start : mention.end])
            mention.subject, mention.pronoun = known[0], ""
            mention.determiner = "the"

    def held_of(self, mention: Mention) -> str:
        return self.held.resolve(mention.subject) if mention.subject else ""

    def targets(self, mention: Mention | None) -> list[str]:
        """The things that a mention, a pronoun or nothing at all is about."""
        known = self.held.subjects()
        if mention is not None and mention.pronoun == "them":
            return self.topic if len(self.topic) > 1 else known
        if mention is not None and mention.subject:
            found = self.held_of(mention)
            return [found] if found else []
        if topic := self.subjects_spoken_of():
            return topic[-1:]
        if len(known) == 1:
            return known
        if not known:
            raise Unclear("nothing_there")
        raise Unclear("which", [chinese_name(s) if self.chinese else s for s in known])

    def subjects_spoken_of(self) -> list[str]:
        return [s for s in self.topic or self.before if s not in self.patch.gone]

    def name(self, subject: str) -> str:
        """What a thing is called in the language of the line."""
        return chinese_name(subject) if self.chinese else f"the {subject}"

    def value_of(self, kind: str, subject: str) -> str:
        found = self.held.numbers(kind, subject)
        return str(self.held.claim(found[0])["value"]) if found else ""

    def span(self) -> tuple[int, int]:
        return self.items[0].start, self.items[-1].end

    def items_between(self, first: Mention, second: Mention) -> list[Item]:
        return [i for i in self.items if first.end <= i.start and i.end <= second.start]

    def count_numbers(self, subject: str) -> list[int]:
        return self.held.numbers("count", subject) + self.held.numbers("object", subject)

    def drop_absent(self, subject: str) -> None:
        wrong = [n for n in self.held.numbers("absent", subject) if not self.held.claim(n)["value"]]
        if wrong:
            self.patch.drop(wrong)

    def put_count(self, subject: str, count: int, quote: str) -> None:
        if count < 1:
            self.patch.drop(self.held.about(subject))
            return
        made = row("count", subject, str(min(count, MOST)))
        old = self.count_numbers(subject)
        self.patch.put(made, quote, old)
        self.topic = [subject]
        self.renumber(subject, count)

    def renumber(self, subject: str, count: int) -> None:
        """What was said of some of several is said of none when one is left."""
        for claim in self.held.claims:
            mine = claim["subject"] == subject and claim["kind"] in _OF_ONE
            if count == 1 and mine and not str(claim["text"]).startswith("The "):
                self.patch.drop([int(claim["number"])])

    def put_some(self, mention: Mention, left: int = 0) -> None:
        """`one red, one yellow`: looks of some; what all were, those that are `left` still are."""
        subject = self.held_of(mention) or mention.subject
        looks = [*mention.looks, *([mention.place] if mention.place else [])]
        for look in looks:
            made = row(look.kind, subject, look.value, plural=(mention.count or 1) > 1)
            made["text"] = some(made["text"], mention, subject)
            start, end = min(mention.start, look.start), max(mention.end, look.end)
            whole = [
                n
                for n in self.held.numbers(look.kind, subject)
                if str(self.held.claim(n)["text"]).startswith("The ")
            ]
            self._of_the_rest(whole, left, self.text[start:end])
            self.patch.put(made, self.text[start:end])

    def _of_the_rest(self, whole: Sequence[int], left: int, quote: str) -> None:
        """What was said of all is now said of those that are left, where any are."""
        for number in whole if left > 0 else ():
            claim = self.held.claim(number)
            subject = str(claim["subject"])
            made = row(claim["kind"], subject, claim["value"], plural=left > 1)
            made["text"] = some(made["text"], Mention(subject, 0, 0, count=left), subject)
            self.patch.put(made, quote, [number])
        if left < 1:
            self.patch.drop(whole)

    def count_now(self, subject: str) -> int:
        changed = [m for m in self.patch.change.values() if m["subject"] == subject]
        for made in [*changed, *(a for a in self.patch.add if a["subject"] == subject)]:
            if made["kind"] in ("count", "object"):
                return int(made["value"]) if made["value"].isdecimal() else 2
        return self.held.count(subject)

    def put_looks(self, mention: Mention, subject: str, count: int) -> None:
        said = {look.kind for look in mention.looks if not look.denied}
        for look in mention.looks:
            if not (look.denied and look.kind in said):  # `red, not white` is red
                self.put_look(look, subject, count)
        if mention.place:
            self.put_look(mention.place, subject, count)

    def put_look(self, look: Look, subject: str, count: int) -> None:
        kind, value = look.claimed()
        if look.denied and self._told(kind, subject):
            return  # `it should be red, not white`
        old = self.held.numbers(kind, subject)
        quote = self.text[look.start : look.end]
        if look.denied and kind in ("colour", "place"):
            old = [n for n in old if self.held.claim(n)["value"] in (look.value, value)] or []
        made = row(kind, subject, value, plural=count > 1)
        self.patch.put(made, quote, old)
        if kind == "place":
            self._against(subject, value)

    def _told(self, kind: str, subject: str) -> bool:
        """Whether this line says already what a thing looks like."""
        told = [*self.patch.add, *self.patch.change.values()]
        same = [made for made in told if (made["kind"], made["subject"]) == (kind, subject)]
        return any(not made["value"].startswith("not ") for made in same)

    def _against(self, subject: str, place: str) -> None:
        """A thing that moves to the right is no longer left of another."""
        wrong = {"right": "left of", "left": "right of"}.get(place)
        for claim in self.held.claims:
            if claim["kind"] != "relation" or claim["value"] not in ("left of", "right of"):
                continue
            own = claim["subject"] == subject and claim["value"] == wrong
            turned = claim["object"] == subject and claim["value"] == f"{place} of"
            if own or turned:
                self.patch.drop([int(claim["number"])])

    def linked_subject(self, mention: Mention) -> str:
        if mention.subject:
            return self.held_of(mention) or mention.subject
        return (self.targets(mention) or [""])[0]

    def put_loose(self, looks: Sequence[Look]) -> None:
        """`red please`: a look of nothing that is named."""
        first = looks[0]
        looking = self.held.looking(first.kind, first.value) if first.denied else []
        subjects = looking if len(looking) == 1 else self.targets(None)
        self.topic = subjects
        for subject in subjects:
            for look in looks:
                self.put_look(look, subject, self.held.count(subject))


def dropped(item: Item) -> bool:
    """Whether a phrase says nothing of a change."""
    return item.kind == "filler"
