"""Changes that say what is there, what is not, how it looks, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import Change
from limner.pipelines.pocket.reading.claims import row, texts
from limner.pipelines.pocket.reading.clauses import PhraseLink, Setting
from limner.pipelines.pocket.reading.patches import Unclear
from limner.pipelines.pocket.reading.phrases import Item, Look, Mention

__all__ = ["StatedChanges"]

_MOST = 100


class StatedChanges(Change):
    """A change that says what is added, removed, recoloured or moved, and what is around it."""

    def say_of_things(self) -> bool:
        """Everything else: what is added, removed, recoloured, moved, and what is around it."""
        self._before_all()
        for mention in list(self.reading.mentions):
            self._mention(mention)
        for link in self.reading.links:
            self._link(link)
        for setting in self.reading.settings:
            self._setting(setting)
        for lettering in self.reading.letterings:
            quote = self.text[lettering.start : lettering.end]
            self.patch.put(row("text", "", lettering.value), quote, self.held.numbers("text"))
        if self.reading.loose:
            self._loose(self.reading.loose)
        for place in self.reading.places:
            self._loose_place(place)
        if self.reading.empty and self.has("remove", "post_neg"):
            for subject in self.targets(None):  # `the gift looks odd, remove please`
                self.patch.drop(self.held.about(subject))
        self._trait()
        return True

    def _before_all(self) -> None:
        """In `cat: green, balloon: pink` the green is that of what was named before."""
        named = self.reading.mentions
        early = [k for k in self.reading.loose if named and k.end <= named[0].start]
        if early and self.before:
            self.reading.loose = [k for k in self.reading.loose if k not in early]
            self._loose(early)

    def _mention(self, mention: Mention) -> None:
        if mention.pronoun == "one":
            self._some_of(mention)
        elif mention.denied:
            self._unwanted(mention)
        elif mention.pronoun:
            self._said_of_it(mention)
        elif subject := self.held_of(mention):
            self._said_of(mention, subject)
        else:
            self._new(mention)

    def _unwanted(self, mention: Mention) -> None:
        if mention.pronoun and self.patch.gone:
            return  # `I don't like that apple, remove it`
        if mention.pronoun:
            unwanted = self.targets(mention)
            if len(unwanted) > 1 and len(unwanted) == len(self.held.subjects()):
                raise Unclear("see_what")
            for subject in unwanted:
                self.patch.drop(self.held.about(subject))
            return
        subject, looks = self.held_of(mention), mention.looks
        if subject and not self._not_so(mention, subject):
            self.patch.drop(self.held.about(subject))
            self.patch.gone.append(subject)
        elif not subject and self.has("remove", "post_neg", "take") and not self.has("neg"):
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if (self.has("neg") or not subject) and not (subject and looks):
            value = " ".join(k.value for k in looks if k.kind in ("colour", "size"))
            span = mention.denied or mention.span
            self.patch.put(row("absent", mention.subject, value), self.text[slice(*span)])

    def _not_so(self, mention: Mention, subject: str) -> bool:
        """`not a red cat`, of a cat: it shall not be red."""
        colours = [k for k in mention.looks if k.kind == "colour"]
        if not colours or mention.determiner == "the" or self.has("remove", "post_neg"):
            return False
        look = colours[0]
        look.denied = True
        look.start, look.end = mention.denied or (look.start, look.end)
        self._look(look, subject, self.held.count(subject))
        return True

    def _said_of_it(self, mention: Mention) -> None:
        looks = mention.looks
        linked = any(mention in (k.thing, k.other) for k in self.reading.links)
        if not (looks or mention.place or linked):
            return
        for subject in self.targets(mention):
            self._looks_of(mention, subject, self.held.count(subject))
            mention.subject = subject

    def _said_of(self, mention: Mention, subject: str) -> None:
        self._describing(mention, subject)
        self.patch.heard = self.patch.heard or self.has("add", "keep")
        count, old = mention.count, self.held.count(subject)
        at = next((n for n, i in enumerate(self.items) if i.mention is mention), len(self.items))
        after = self.items[at + 1] if at + 1 < len(self.items) else None
        seen_from = count is None and any(mention is k.other for k in self.reading.links)
        adds = self.has("add") and mention.determiner != "the" and not seen_from
        adds = adds and (count is not None or not mention.chinese)
        adds = adds or bool(count and after is not None and after.is_("more") and not after.look)
        more = mention.determiner == "more" or adds
        quote = self.text[mention.start : mention.end]
        if more and not (self.has("set") and mention.determiner != "more"):
            plus = count if count is not None else 1
            self._set_count(subject, old + min(plus, _MOST), quote)
        elif mention.quantity:
            self._several(mention, subject, quote)
        elif count is not None and (mention.determiner != "a" or self.has("only", "set")):
            self._set_count(subject, min(count, _MOST), quote)
        elif mention.plural and old == 1 and mention.determiner == "":
            self._several(mention, subject, quote)
        self.topic = list(dict.fromkeys([*self.topic, subject]))
        self._looks_of(mention, subject, self._count_now(subject))

    def _several(self, mention: Mention, subject: str, quote: str) -> None:
        value = "many" if mention.quantity == "many" else "several"
        self.patch.put(row("object", subject, value), quote, self._counts(subject))
        self._renumber(subject, 2)

    def _describing(self, mention: Mention, subject: str) -> None:
        """Drop looks that only say which thing is meant: `make the red cat bigger`."""
        before = [k for k in mention.looks if k.start < mention.head[0]]
        after = [k for k in mention.looks if k not in before]
        linked = any(mention in (k.thing, k.other) for k in self.reading.links)
        more = bool(after or mention.place or linked or self.has("swap", "add"))
        told = [k for k in before if k.value in self._looks_held(k.kind, subject)]
        if mention.determiner == "the" and more:
            told = before
        mention.looks = [k for k in mention.looks if k not in told]
        self.patch.heard = self.patch.heard or bool(told)

    def _looks_held(self, kind: str, subject: str) -> set[str]:
        return {str(self.held.claim(n)["value"]) for n in self.held.numbers(kind, subject)}

    def _new(self, mention: Mention) -> None:
        """A thing that is not in the picture yet."""
        back = any(i.text.startswith(("bring", "put")) for i in self.items) and "back" in self.text
        definite = mention.determiner == "the" and not mention.count and not back
        if definite and not mention.chinese:
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if mention.chinese and not self._asks_for(mention):
            raise Unclear("not_there", what=self.text[slice(*mention.head)])
        if mention.quantity or (mention.plural and mention.count is None):
            made = row(
                "object", mention.subject, "many" if mention.quantity == "many" else "several"
            )
            count = 2
        else:
            count = 1 if mention.count is None else mention.count
            made = row("count", mention.subject, str(count))
        self.patch.put(made, self.text[mention.start : mention.end])
        self._drop_absent(mention.subject)
        self.topic = list(dict.fromkeys([*self.topic, mention.subject]))
        self._looks_of(mention, mention.subject, count)

    def _asks_for(self, mention: Mention) -> bool:
        """Whether a Chinese noun that is not in the picture is asked for: 把狗变红 is not."""
        return not (self.has("take", "put", "set") and not self.has("add", "also", "want")) or (
            mention.count is not None
        )

    def _link(self, link: PhraseLink) -> None:
        if link.denied:
            return
        one, other = (self._linked(m) for m in (link.thing, link.other))
        if not one or not other or one == other:
            return
        old = [
            int(c["number"])
            for c in self.held.claims
            if c["kind"] == "relation" and {c["subject"], c["object"]} == {one, other}
        ]
        made = row("relation", one, link.how, other)
        self.patch.put(made, self.text[link.start : link.end], old)
        wrong = {"left of": "right", "right of": "left"}.get(link.how)
        sides = self.held.numbers("place", one, wrong or "-")
        self.patch.drop(sides) if sides else None

    def _setting(self, setting: Setting) -> None:
        quote = self.text[setting.start : setting.end]
        old = self.held.numbers(setting.kind)
        if self._turned(setting):
            return
        if any(n in self.patch.change for n in old):
            old = []  # `a rainy night`: both are asked for
        if setting.denied:
            wrong = [n for n in old if self.held.claim(n)["value"] == setting.value]
            self.patch.drop(wrong)
            if not self._removing():
                self.patch.put(row("absent", setting.value, ""), quote)
            return
        self.patch.put(row(setting.kind, "", setting.value), quote, old)
        self._drop_absent(setting.value)
        if setting.kind == "scene":
            plain = self.held.numbers("light")
            self.patch.drop(n for n in plain if self._plain(n))
        elif setting.value.startswith("plain"):
            self.patch.drop(self.held.numbers("scene"))

    def _turned(self, setting: Setting) -> bool:
        """In `turn day into night` the day is what there was."""
        after = [s for s in self.reading.settings if s.start >= setting.end]
        other = next((s for s in after if s.kind == setting.kind), None)
        return other is not None and any(
            i.is_("to") and not i.is_("with") and setting.end <= i.start < other.start
            for i in self.items
        )

    def _removing(self) -> bool:
        return self.has("remove", "post_neg") and not self.has("neg")

    def _plain(self, number: int) -> bool:
        return str(self.held.claim(number)["value"]).startswith("plain")

    def _loose_place(self, place: Look) -> None:
        for subject in self.targets(None):
            self._look(place, subject, self.held.count(subject))

    def _trait(self) -> None:
        """`make the cat happy`: a look that the reader has no word for, said of a thing."""
        if self.has("keep"):
            self.patch.heard = True
        core = [i for i in self.items if not i.is_("adverb", "filler", "sign")]
        plain = [i.kind for i in core] == ["thing", "unknown"]
        said_so = self.has("set", "be", "want", "more") or plain
        if not said_so or not self.reading.unknown or self.changed():
            return
        held = [self.held_of(m) for m in self.reading.mentions if m.subject and not m.denied]
        last = self.items[-1]
        words = [i for i in self.reading.unknown if i.kind == "unknown"]
        said = words[-1] if words else None
        pronoun = next((m for m in self.reading.mentions if m.pronoun == "it"), None)
        if not held and pronoun is not None and said is not None:
            held = self.targets(pronoun)
        if len(held) != 1 or not held[0] or said is None or not _ends_with(self.items, said):
            return
        quote = (
            self.text[said.start : last.end] if last is said else self.text[said.start : said.end]
        )
        doing = quote.lower().endswith("ing")
        made = row("action" if doing else "attribute", held[0], quote.lower())
        made["text"] = texts(made["kind"], held[0], quote.lower(), "", self.held.count(held[0]) > 1)
        self.patch.put(made, quote)


def _ends_with(items: Sequence[Item], said: Item) -> bool:
    after = [i for i in items if i.start > said.start]
    return all(i.is_("filler", "sign", "adverb", "comma") for i in after)
