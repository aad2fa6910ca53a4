"""The corpus that teaches the pocket writer: what people say, and the JSON to answer with."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from limner.pipelines.pocket.language import (
    chinese,
    edits,
    english,
    odd,
    replies,
    revise,
)
from limner.pipelines.pocket.language.brief_json import Facts, facts_of, prompt_for, whole
from limner.pipelines.pocket.language.lexicon import LANGUAGES
from limner.pipelines.pocket.language.taste import completed
from limner.pipelines.pocket.language.wish import (
    Taste,
    Wish,
    doing_wish,
    plain_wish,
    short_wish,
    theme_wish,
    vague_wish,
)
from limner.pipelines.pocket.spec import Spec, trainable

KINDS = ("expand", "edit", "revise")
SHARES = (56, 32, 12)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One exchange: the human text, the JSON to answer with, and what of it is not free.

    For `revise`, `spec` is the scene that the prompt describes and `facts` is empty.
    """

    kind: str
    language: str
    human: str
    answer: str
    facts: Facts
    spec: Spec


def dialogue(chance: Random, kind: str = "", taste: Taste | None = None) -> Dialogue:
    """One exchange of the corpus; the same for the same state of `chance`.

    Without a kind or a taste, they are drawn as training wants them.
    """
    kind = kind or chance.choices(KINDS, SHARES)[0]
    taste = taste or Taste(chance.choice(LANGUAGES))
    if kind == "expand":
        return expand(chance, taste)
    if kind == "edit":
        return edit(chance, taste)
    spec = _scene(chance, taste)
    human, answer = revise.revision(spec, chance)
    return Dialogue("revise", "english", human, answer, Facts(), spec)


def expand(chance: Random, taste: Taste) -> Dialogue:
    """A wish becomes a brief."""
    if not taste.strict and chance.random() < 0.04:
        wish, human, language = odd.odd(chance)
    else:
        wish, language = _wish(chance, taste), taste.language
        speak = english if language == "english" else chinese
        human = speak.request(wish, chance, taste.exam)
    spec = _completed(wish, chance, taste)
    reply = replies.to_wish(wish, spec, language, chance)
    answer = whole(spec, list(wish.avoid), prompt_for(spec, 0.25, chance), reply)
    facts = facts_of(wish, {s.name for s in wish.swapped} if taste.strangers else set())
    return Dialogue("expand", language, f"draw: {human}", answer, facts, spec)


def edit(chance: Random, taste: Taste) -> Dialogue:
    """A brief and a change become another brief."""
    while True:
        wish = _wish(chance, Taste(chance.choice(LANGUAGES)))
        spec = _completed(wish, chance, taste)
        made = edits.edited(spec, list(wish.avoid), chance, taste)
        if made and trainable(made.spec):
            break
    answer = whole(made.spec, made.avoid, prompt_for(made.spec, 0.25, chance), made.reply)
    new = made.spec
    facts = Facts(
        new.groups, new.links, new.where, new.light, new.style, tuple(made.avoid), exact=True
    )
    return Dialogue("edit", taste.language, made.human, answer, facts, made.spec)


def _scene(chance: Random, taste: Taste) -> Spec:
    return _completed(_wish(chance, taste), chance, taste)


def _completed(wish: Wish, chance: Random, taste: Taste) -> Spec:
    spec = completed(wish, chance)
    while not taste.pairs and not trainable(spec):
        spec = completed(wish, chance)
    return spec


def _wish(chance: Random, taste: Taste) -> Wish:
    kinds = ("plain", "short", "doing", "occasion", "mood", "vague")
    shares = (58, 15, 14, 6, 4, 3) if not taste.pairs else (1, 0, 0, 0, 0, 0)
    kind = chance.choices(kinds, shares)[0]
    if kind in ("occasion", "mood"):
        return theme_wish(chance, kind)
    if kind == "vague":
        return vague_wish(chance)
    make = {"plain": plain_wish, "short": short_wish, "doing": doing_wish}[kind]
    return make(chance, taste)
