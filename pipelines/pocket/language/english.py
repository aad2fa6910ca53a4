"""A wish as people type it in English."""

from __future__ import annotations

from random import Random

from limner.pipelines.pocket.language.lexicon import (
    article,
    call,
    pick,
    sayings,
    table,
    theme_words,
    wordings,
)
from limner.pipelines.pocket.language.wish import LIVING, OPEN, Wish
from limner.pipelines.pocket.spec import Group

ENGLISH = "english"
NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def request(wish: Wish, chance: Random, exam: bool = False) -> str:
    """The whole request, as sloppy as requests are."""
    if wish.kind == "vague":
        return noisy(
            pick(chance, wordings(ENGLISH, "vague", exam=exam)) + _styled(wish, chance), chance
        )
    if wish.kind in ("occasion", "mood"):
        return noisy(_theme(wish, chance, exam) + _styled(wish, chance), chance)
    frame = pick(chance, wordings(ENGLISH, "frames", exam=exam))
    bare = "{b}" in frame
    text = _scene(wish, chance, bare)
    said = frame.replace("{x}", text).replace("{b}", text)
    if wish.avoid or wish.shunned:
        said = _without(said, wish, chance, exam)
    if chance.random() < 0.05:
        said += pick(chance, wordings(ENGLISH, "tails", exam=exam))
    return noisy(said, chance)


def phrase(group: Group, wish: Wish, chance: Random, bare: bool = False) -> str:
    """`a small red cat on the left`, in any of the ways that people say it."""
    saying = wish.said[group.name]
    number = _number(group, wish, chance)
    noun = saying.plural if number[1] else saying.text
    if group.colour:
        colour = pick(chance, wordings(ENGLISH, "colours", group.colour))
        noun = pick(chance, wordings(ENGLISH, "coloured")).format(c=colour, n=noun)
    if chance.random() < 0.16:
        kind = "living" if group.name in LIVING else "any"
        noun = f"{pick(chance, wordings(ENGLISH, 'adjectives', kind))} {noun}"
    if group.size:
        noun = f"{pick(chance, wordings(ENGLISH, 'sizes', group.size))} {noun}"
    count = "" if bare and not number[1] else number[0]
    words = f"{article(noun) if count == 'a' else count} {noun}".strip()
    return (
        f"{words} {pick(chance, wordings(ENGLISH, 'places', group.place))}"
        if group.place
        else words
    )


def noisy(text: str, chance: Random) -> str:
    """Lower case, capitals, lost or gained punctuation, a slip of the fingers, an emoji."""
    text = " ".join(text.split())
    roll = chance.random()
    if roll < 0.3:
        text = text.lower()
    elif roll < 0.55:
        text = text[:1].upper() + text[1:]
    elif roll < 0.565:
        text = text.upper()
    if chance.random() < 0.15:
        text = text.replace(",", "").replace("?", "").replace(".", "")
    elif chance.random() < 0.2 and text[-1:].isalnum():
        text += pick(chance, (".", ".", "!", "...", "!!"))
    if chance.random() < 0.05:
        text = _slip(text, chance)
    return text + pick(chance, wordings(ENGLISH, "emoji")) if chance.random() < 0.05 else text


def _number(group: Group, wish: Wish, chance: Random) -> tuple[str, bool]:
    """The number word, and whether the noun is plural."""
    asked = wish.asked.get(group.name, group.count)
    if asked == OPEN:
        return pick(
            chance, ("some", "a few", "several", "", "", "many", "lots of", "a bunch of")
        ), True
    if asked > 4:
        words = NUMERALS[asked] if asked < len(NUMERALS) else str(asked)
        return pick(chance, (str(asked), words, "a dozen" if asked == 12 else words)), True
    return pick(chance, wordings(ENGLISH, "counts", str(asked))), asked > 1


def _scene(wish: Wish, chance: Random, bare: bool) -> str:
    parts = _things(wish, chance, bare)
    settings = _settings(wish, chance, bare)
    if settings and chance.random() < 0.15 and not bare:
        first = settings.pop(0)
        parts = f"{first}, {parts}" if chance.random() < 0.7 else f"{first} {parts}"
    comma = chance.random()
    for setting in settings:
        parts += (", " if comma < 0.5 or bare else " ") + setting
    return parts


def _things(wish: Wish, chance: Random, bare: bool) -> str:
    if wish.kind == "doing":
        first = phrase(wish.groups[0], wish, chance, bare)
        verb = pick(chance, ("{a} {v}", "{a} {v}", "{a} {v}", "{a} that is {v}", "{a} who is {v}"))
        return verb.format(a=first, v=wish.verb)
    phrases = {g.name: phrase(g, wish, chance, bare) for g in (*wish.groups, *wish.extra)}
    parts = []
    for link in wish.links:
        how = pick(chance, wordings(ENGLISH, "relations", link.how))
        parts.append(how.format(a=phrases.pop(link.thing), b=phrases.pop(link.other)))
    parts += phrases.values()
    if len(parts) == 1:
        return parts[0]
    glue = pick(chance, (", ", ", ", " + ") if bare else (", ", ", "))
    last = pick(chance, (" and ", " and ", " and ", " with ", " plus ", ", ", " & "))
    return glue.join(parts[:-1]) + last + parts[-1]


def _settings(wish: Wish, chance: Random, bare: bool) -> list[str]:
    tags = table("edits")[ENGLISH] if bare and chance.random() < 0.5 else {}
    found = [
        pick(chance, tags.get(tag, {}).get(value) or wordings(ENGLISH, part, value))
        for tag, part, value in (("grounds", "where", wish.where), ("lights", "light", wish.light))
        if value
    ]
    chance.shuffle(found)
    if wish.style:
        found.insert(len(found) if chance.random() < 0.8 else 0, _style(wish, chance))
    return found


def _style(wish: Wish, chance: Random) -> str:
    return pick(chance, wordings(ENGLISH, "styles", wish.style))


def _styled(wish: Wish, chance: Random) -> str:
    return f", {_style(wish, chance)}" if wish.style else ""


def _theme(wish: Wish, chance: Random, exam: bool) -> str:
    word = theme_words(wish.hints, ENGLISH, chance, exam)
    frames = table("scenes")[f"{wish.kind}_frames"]["en"]
    return str(pick(chance, frames)).replace("{o}", word).replace("{m}", word)


def _without(said: str, wish: Wish, chance: Random, exam: bool) -> str:
    words = pick(chance, wordings(ENGLISH, "without", exam=exam))
    unwanted = wish.shunned or unwanted_word(wish.avoid[0], chance)
    return f"{said.rstrip('?')}{pick(chance, (', ', ' ', ', ', '. '))}{words.format(n=unwanted)}"


def unwanted_word(name: str, chance: Random) -> str:
    """What somebody calls the things that are not wanted."""
    saying = call(name, ENGLISH, chance)
    return saying.plural if chance.random() < 0.7 else sayings(ENGLISH, name)[0].text


def _slip(text: str, chance: Random) -> str:
    words = text.split(" ")
    long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha()]
    if long:
        where = chance.choice(long)
        word = words[where]
        at = chance.randrange(1, len(word) - 2)
        words[where] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
