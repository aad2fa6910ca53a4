"""Changes that say what is there, what is not, how it looks, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import MOST, Change
from limner.pipelines.pocket.reading.claims import row, texts
from limner.pipelines.pocket.reading.clauses import PhraseLink, Setting
from limner.pipelines.pocket.reading.noun_phrases import Look, Mention
from limner.pipelines.pocket.reading.patches import Unclear
from limner.pipelines.pocket.reading.phrases import Item

__all__ = ["say_of_things"]


def say_of_things(change: Change) -> bool:
    """Everything else: what is added, removed, recoloured, moved, and what is around it."""
    _before_all(change)
    for mention in list(change.reading.mentions):
        _mention(change, mention)
    for link in change.reading.links:
        _link(change, link)
    for setting in change.reading.settings:
        _setting(change, setting)
    for lettering in change.reading.letterings:
        quote = change.text[lettering.start : lettering.end]
        change.patch.put(row("text", "", lettering.value), quote, change.held.numbers("text"))
    if change.reading.loose:
        change.put_loose(change.reading.loose)
    for place in change.reading.places:
        _loose_place(change, place)
    if change.reading.empty and change.has("remove", "post_neg"):
        for subject in change.targets(None):  # `the gift looks odd, remove please`
            change.patch.drop(change.held.about(subject))
    _trait(change)
    return True


def _before_all(change: Change) -> None:
    """In `cat: green, balloon: pink` the green is that of what was named before."""
    named = change.reading.mentions
    early = [k for k in change.reading.loose if named and k.end <= named[0].start]
    if early and change.before:
        change.reading.loose = [k for k in change.reading.loose if k not in early]
        change.put_loose(early)


def _mention(change: Change, mention: Mention) -> None:
    if mention.pronoun == "one":
        change.put_some(mention)
    elif mention.denied:
        _unwanted(change, mention)
    elif mention.pronoun:
        _said_of_it(change, mention)
    elif subject := change.held_of(mention):
        _said_of(change, mention, subject)
    else:
        _new(change, mention)


def _unwanted(change: Change, mention: Mention) -> None:
    if mention.pronoun and change.patch.gone:
        return  # `I don't like that apple, remove it`
    if mention.pronoun:
        unwanted = change.targets(mention)
        if len(unwanted) > 1 and len(unwanted) == len(change.held.subjects()):
            raise Unclear("see_what")
        for subject in unwanted:
            change.patch.drop(change.held.about(subject))
        return
    subject, looks = change.held_of(mention), mention.looks
    if subject and not _not_so(change, mention, subject):
        change.patch.drop(change.held.about(subject))
        change.patch.gone.append(subject)
    elif not subject and change.has("remove", "post_neg", "take") and not change.has("neg"):
        raise Unclear("not_there", what=change.text[slice(*mention.head)])
    if (change.has("neg") or not subject) and not (subject and looks):
        value = " ".join(k.value for k in looks if k.kind in ("colour", "size"))
        span = mention.denied or mention.span
        change.patch.put(row("absent", mention.subject, value), change.text[slice(*span)])


def _not_so(change: Change, mention: Mention, subject: str) -> bool:
    """`not a red cat`, of a cat: it shall not be red."""
    colours = [k for k in mention.looks if k.kind == "colour"]
    if not colours or mention.determiner == "the" or change.has("remove", "post_neg"):
        return False
    look = colours[0]
    look.denied = True
    look.start, look.end = mention.denied or (look.start, look.end)
    change.put_look(look, subject, change.held.count(subject))
    return True


def _said_of_it(change: Change, mention: Mention) -> None:
    looks = mention.looks
    linked = any(mention in (k.thing, k.other) for k in change.reading.links)
    if not (looks or mention.place or linked):
        return
    for subject in change.targets(mention):
        change.put_looks(mention, subject, change.held.count(subject))
        mention.subject = subject


def _said_of(change: Change, mention: Mention, subject: str) -> None:
    _describing(change, mention, subject)
    change.patch.heard = change.patch.heard or change.has("add", "keep")
    count, old = mention.count, change.held.count(subject)
    at = next((n for n, i in enumerate(change.items) if i.mention is mention), len(change.items))
    after = change.items[at + 1] if at + 1 < len(change.items) else None
    seen_from = count is None and any(mention is k.other for k in change.reading.links)
    adds = change.has("add") and mention.determiner != "the" and not seen_from
    adds = adds and (count is not None or not mention.chinese)
    adds = adds or bool(count and after is not None and after.is_("more") and not after.look)
    more = mention.determiner == "more" or adds
    quote = change.text[mention.start : mention.end]
    if more and not (change.has("set") and mention.determiner != "more"):
        plus = count if count is not None else 1
        change.put_count(subject, old + min(plus, MOST), quote)
    elif mention.quantity:
        _several(change, mention, subject, quote)
    elif count is not None and (mention.determiner != "a" or change.has("only", "set")):
        change.put_count(subject, min(count, MOST), quote)
    elif mention.plural and old == 1 and mention.determiner == "":
        _several(change, mention, subject, quote)
    change.topic = list(dict.fromkeys([*change.topic, subject]))
    change.put_looks(mention, subject, change.count_now(subject))


def _several(change: Change, mention: Mention, subject: str, quote: str) -> None:
    value = "many" if mention.quantity == "many" else "several"
    change.patch.put(row("object", subject, value), quote, change.count_numbers(subject))
    change.renumber(subject, 2)


def _describing(change: Change, mention: Mention, subject: str) -> None:
    """Drop looks that only say which thing is meant: `make the red cat bigger`."""
    before = [k for k in mention.looks if k.start < mention.head[0]]
    after = [k for k in mention.looks if k not in before]
    linked = any(mention in (k.thing, k.other) for k in change.reading.links)
    more = bool(after or mention.place or linked or change.has("swap", "add"))
    told = [k for k in before if k.value in _looks_held(change, k.kind, subject)]
    if mention.determiner == "the" and more:
        told = before
    mention.looks = [k for k in mention.looks if k not in told]
    change.patch.heard = change.patch.heard or bool(told)


def _looks_held(change: Change, kind: str, subject: str) -> set[str]:
    return {str(change.held.claim(n)["value"]) for n in change.held.numbers(kind, subject)}


def _new(change: Change, mention: Mention) -> None:
    """A thing that is not in the picture yet."""
    back = any(i.text.startswith(("bring", "put")) for i in change.items) and "back" in change.text
    definite = mention.determiner == "the" and not mention.count and not back
    if definite and not mention.chinese:
        raise Unclear("not_there", what=change.text[slice(*mention.head)])
    if mention.chinese and not _asks_for(change, mention):
        raise Unclear("not_there", what=change.text[slice(*mention.head)])
    if mention.quantity or (mention.plural and mention.count is None):
        made = row("object", mention.subject, "many" if mention.quantity == "many" else "several")
        count = 2
    else:
        count = 1 if mention.count is None else mention.count
        made = row("count", mention.subject, str(count))
    change.patch.put(made, change.text[mention.start : mention.end])
    change.drop_absent(mention.subject)
    change.topic = list(dict.fromkeys([*change.topic, mention.subject]))
    change.put_looks(mention, mention.subject, count)


def _asks_for(change: Change, mention: Mention) -> bool:
    """Whether a Chinese noun that is not in the picture is asked for: 把狗变红 is not."""
    return not (change.has("take", "put", "set") and not change.has("add", "also", "want")) or (
        mention.count is not None
    )


def _link(change: Change, link: PhraseLink) -> None:
    if link.denied:
        return
    one, other = (change.linked_subject(m) for m in (link.thing, link.other))
    if not one or not other or one == other:
        return
    old = [
        int(c["number"])
        for c in change.held.claims
        if c["kind"] == "relation" and {c["subject"], c["object"]} == {one, other}
    ]
    made = row("relation", one, link.how, other)
    change.patch.put(made, change.text[link.start : link.end], old)
    wrong = {"left of": "right", "right of": "left"}.get(link.how)
    sides = change.held.numbers("place", one, wrong or "-")
    change.patch.drop(sides) if sides else None


def _setting(change: Change, setting: Setting) -> None:
    quote = change.text[setting.start : setting.end]
    old = change.held.numbers(setting.kind)
    if _turned(change, setting):
        return
    if any(n in change.patch.change for n in old):
        old = []  # `a rainy night`: both are asked for
    if setting.denied:
        wrong = [n for n in old if change.held.claim(n)["value"] == setting.value]
        change.patch.drop(wrong)
        if not _removing(change):
            change.patch.put(row("absent", setting.value, ""), quote)
        return
    change.patch.put(row(setting.kind, "", setting.value), quote, old)
    change.drop_absent(setting.value)
    if setting.kind == "scene":
        plain = change.held.numbers("light")
        change.patch.drop(n for n in plain if _plain(change, n))
    elif setting.value.startswith("plain"):
        change.patch.drop(change.held.numbers("scene"))


def _turned(change: Change, setting: Setting) -> bool:
    """In `turn day into night` the day is what there was."""
    after = [s for s in change.reading.settings if s.start >= setting.end]
    other = next((s for s in after if s.kind == setting.kind), None)
    return other is not None and any(
        i.is_("to") and not i.is_("with") and setting.end <= i.start < other.start
        for i in change.items
    )


def _removing(change: Change) -> bool:
    return change.has("remove", "post_neg") and not change.has("neg")


def _plain(change: Change, number: int) -> bool:
    return str(change.held.claim(number)["value"]).startswith("plain")


def _loose_place(change: Change, place: Look) -> None:
    for subject in change.targets(None):
        change.put_look(place, subject, change.held.count(subject))


def _trait(change: Change) -> None:
    """`make the cat happy`: a look that the reader has no word for, said of a thing."""
    if change.has("keep"):
        change.patch.heard = True
    core = [i for i in change.items if not i.is_("adverb", "filler", "sign")]
    plain = [i.kind for i in core] == ["thing", "unknown"]
    said_so = change.has("set", "be", "want", "more") or plain
    if not said_so or not change.reading.unknown or change.changed():
        return
    held = [change.held_of(m) for m in change.reading.mentions if m.subject and not m.denied]
    last = change.items[-1]
    words = [i for i in change.reading.unknown if i.kind == "unknown"]
    said = words[-1] if words else None
    pronoun = next((m for m in change.reading.mentions if m.pronoun == "it"), None)
    if not held and pronoun is not None and said is not None:
        held = change.targets(pronoun)
    if len(held) != 1 or not held[0] or said is None or not _ends_with(change.items, said):
        return
    quote = (
        change.text[said.start : last.end] if last is said else change.text[said.start : said.end]
    )
    doing = quote.lower().endswith("ing")
    made = row("action" if doing else "attribute", held[0], quote.lower())
    made["text"] = texts(made["kind"], held[0], quote.lower(), "", change.held.count(held[0]) > 1)
    change.patch.put(made, quote)


def _ends_with(items: Sequence[Item], said: Item) -> bool:
    after = [i for i in items if i.start > said.start]
    return all(i.is_("filler", "sign", "adverb", "comma") for i in after)
