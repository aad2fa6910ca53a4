"""What a request says beyond doubt, by rules of language alone: numbers, lettering, exclusions.

These rules know no things. What they find can't be lost or changed by a writer; and where no writer
helps, the request's own phrases are its claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from limner.agent.brief.english import (
    NUMBERS,
    SMALL_WORDS,
    looks_plural,
    number_in,
    singular,
    words_of,
)
from limner.agent.records import Claim
from limner.prompts.words import word_set

__all__ = [
    "extract",
    "is_english",
    "negated",
    "numbers",
    "phrases",
]


LONGEST = 4_000  # characters that are read
_MOST = 32  # claims
_NOUN_WORDS = 4  # words of a phrase behind a number or a negation

_TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|[^\w\s]|_")
_LETTERING = re.compile(r"[\"“”„«]([^\"“”„«»\n]{1,60})[\"“”»]|[「『《]([^」』》\n]{1,60})[」』》]")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3]")
_NOT_CHINESE = re.compile(
    r"(?:不要|不想要|不需要|没有|不带|不含|不画|别画|别有|避免|去掉|无须|禁止|除了)"
    r"([^，。、！？；,.!?;\s的]{1,12})"
)
_LEAD = re.compile(r"^(?:出现|任何|有|画|一个|一只|那个|这个)+|(?:以外|之外|外)$")
_DIGITS = {d: n for n, d in enumerate("零一二三四五六七八九十")} | {"两": 2, "俩": 2, "双": 2}
_CHINESE_NUMBER = re.compile(
    r"([零一二三四五六七八九十两俩]{1,3}|\d{1,4})\s*"
    r"(?=[只个条匹头棵朵艘辆座枚把根颗件张位名本双对杯块片架台朵串束群])"
)
_UNITS = word_set("units")
_WORDS_OF_DENIAL = word_set("denial")
_FOREIGN = word_set("foreign")
_IS = frozenset("is are be was were isn't aren't".split())
_ENGLISH = word_set("surely_english")


@dataclass(frozen=True, slots=True)
class _Token:
    """A word or a sign of a request, in small letters, and where it stands."""

    word: str
    start: int
    end: int

    @property
    def ends(self) -> bool:
        """Whether a phrase ends before it."""
        return not self.word[0].isalnum() or self.word in SMALL_WORDS


def extract(request: str) -> tuple[Claim, ...]:
    """The claims that a request states beyond doubt, each with its quote.

    Lettering in quotation marks in any language; exclusions in English ("no X", "not a X", "without
    X or Y", "X-free") and in Chinese; in English also numbers of things ("three red apples"). At
    most 32.
    """
    request = request[:LONGEST]
    found = [*_lettering(request)]
    inside = [span for claim in found for span in [_where(request, claim.quote)]]
    tokens = [t for t in _tokens(request) if not any(a <= t.start < b for a, b in inside)]
    denied = [*_denied(tokens)]
    found += [_absent(request, tokens[a:b], tokens[start]) for start, a, b in denied]
    taken = {i for start, _, b in denied for i in range(start, b)}
    found += _counts(request, tokens, taken)
    found += _denied_in_chinese(request)
    return tuple({claim.text: claim for claim in found}.values())[:_MOST]


def negated(request: str) -> tuple[tuple[int, int], ...]:
    """Where a request speaks of what must not be seen: (start, end) in characters, any language."""
    request = request[:LONGEST]
    tokens = _tokens(request)
    spans = [(tokens[start].start, tokens[b - 1].end) for start, _, b in _denied(tokens)]
    spans += [found.span() for found in _NOT_CHINESE.finditer(request)]
    return tuple(sorted(spans))


def numbers(text: str) -> frozenset[int]:
    """All numbers that a text states, in words or figures, in English or Chinese.

    One ("a cat", 一只猫) is among them wherever nothing else is said.
    """
    found = {n for word in words_of(text[:LONGEST]) if (n := number_in(word)) is not None}
    found |= {_chinese_number(match[1]) for match in _CHINESE_NUMBER.finditer(text[:LONGEST])}
    return frozenset(found)


def phrases(request: str) -> tuple[Claim, ...]:
    """The request's own phrases as claims: for when no writer says anything usable. At least one.

    English is cut at its small words and signs, other writing at its signs alone. What is negated
    is not among them.
    """
    request = request[:LONGEST]
    away = negated(request)
    pieces = [*_english(request)] if is_english(request) else [*_by_signs(request)]
    kept = [(a, b) for a, b in pieces if not any(c <= a < d for c, d in away)]
    said = [request[a:b] for a, b in kept] or ([] if away else [request.strip()])
    made = [Claim(f"The picture shows {text}.", "other", quote=text) for text in said if text]
    return tuple({claim.text: claim for claim in made}.values())[:_MOST]


def is_english(text: str) -> bool:
    """Whether a text can be read by the rules of English: Latin letters, and no other language.

    Words in plain letters count as English as long as no small word of another language is among
    them: "neon, rain".
    """
    if _HAN.search(text) or not any("a" <= c <= "z" for c in text.casefold()):
        return False
    letters = [c for c in text if c.isalpha()]
    plain = sum(c.isascii() for c in letters) / len(letters)
    said = set(words_of(text))
    return bool(_ENGLISH & said) or (plain > 0.97 and not _FOREIGN & said)


def _tokens(request: str) -> list[_Token]:
    return [_Token(m[0].casefold().replace("’", "'"), *m.span()) for m in _TOKEN.finditer(request)]


def _where(request: str, quote: str) -> tuple[int, int]:
    start = request.find(quote)
    return start, start + len(quote)


def _lettering(request: str) -> Iterator[Claim]:
    """Quoted text is lettering where something is written; what is said in a story is not."""
    for found in _LETTERING.finditer(request):
        text = (found[1] or found[2] or "").strip()
        before, after = request[: found.start()].rstrip(), request[found.end() :].lstrip()
        data = after.startswith(":") or before.endswith(('":', "{", "["))
        if text and not data:
            quote = request[found.start() : found.end()]
            yield Claim(f'The text "{text}" can be read.', "text", quote=quote, value=text)


def _denied(tokens: list[_Token]) -> Iterator[tuple[int, int, int]]:
    """Each exclusion: the index of its first token, and those of its noun phrase, end excluded."""
    at = 0
    while at < len(tokens):
        start = _denial(tokens, at)
        if start is None:
            at += 1
            continue
        end = at
        for a, b in _listed(tokens, start, tokens[at].word):
            yield at, a, b
            end = b
        at = max(end, start, at + 1)


def _denial(tokens: list[_Token], at: int) -> int | None:
    """Where the noun phrase begins that is denied at that token; None where nothing is."""
    word, after = tokens[at].word, [t.word for t in tokens[at + 1 : at + 4]]
    if word in ("instead", "rather", "free") and after[:1] in (["of"], ["than"]):
        return _past_articles(tokens, at + 2)
    if word in ("don't", "do", "doesn't") and _wants(word, after):
        skip = 3 if word == "do" else 2
        return _past_articles(tokens, at + skip)
    if word.endswith("-free") and len(word) > 6:
        return at
    if word == "not" and at and tokens[at - 1].word in _IS and after[:1] not in (["a"], ["an"]):
        return None  # of how a thing looks, not of what there is: "a car that is not red"
    if word not in _WORDS_OF_DENIAL or after[:1] in (["longer"], ["one"], ["matter"], ["only"]):
        return None
    return _past_articles(tokens, at + 1)


def _wants(word: str, after: list[str]) -> bool:
    verbs = {"want", "show", "draw", "paint", "include", "add", "need", "like", "put"}
    if word == "do":
        return after[:1] == ["not"] and bool(verbs & set(after[1:2]))
    return bool(verbs & set(after[:1]))


def _past_articles(tokens: list[_Token], at: int) -> int:
    small = {"a", "an", "the", "any", "some", "for", "to", "have", "of", "see", "more", "other"}
    while at < len(tokens) and tokens[at].word in small:
        at += 1
    return at


def _listed(tokens: list[_Token], start: int, word: str) -> Iterator[tuple[int, int]]:
    """The noun phrases from there on, joined by "or", "nor", "and" where that can only go on."""
    if word.endswith("-free"):
        yield start, start + 1
        return
    at = start
    while at < len(tokens) and not tokens[at].ends:
        end = at
        while end < len(tokens) and end - at < _NOUN_WORDS and not tokens[end].ends:
            end += 1
        yield at, end
        joined = tokens[end].word if end < len(tokens) else ""
        if joined not in ("or", "nor") and not (joined == "and" and word in ("without", "no")):
            return
        at = _past_articles(tokens, end + 1)


def _absent(request: str, phrase: list[_Token], first: _Token) -> Claim:
    start, end = min(first.start, phrase[0].start), phrase[-1].end
    words = [token.word.removesuffix("-free") for token in phrase]
    subject = singular(" ".join(words))
    return Claim(f"There is no {subject}.", "absent", quote=request[start:end], subject=subject)


def _denied_in_chinese(request: str) -> Iterator[Claim]:
    """What Chinese excludes; its name stays as it was typed, for a writer to translate."""
    for found in _NOT_CHINESE.finditer(request):
        subject = _LEAD.sub("", found[1])
        if subject:
            text = f"There is no {subject}."
            yield Claim(text, "absent", quote=found[0], subject=subject)


def _counts(request: str, tokens: list[_Token], taken: set[int]) -> Iterator[Claim]:
    for at, token in enumerate(tokens):
        number = number_in(token.word) if at not in taken else None
        if number is None or not 1 < number <= 1_000:
            continue
        begin = at + 2 if [t.word for t in tokens[at + 1 : at + 2]] == ["of"] else at + 1
        head = _head(tokens, begin)
        if head is None:
            continue
        said = " ".join(t.word for t in tokens[begin : head + 1])
        figure = NUMBERS[number] if number < len(NUMBERS) else str(number)
        yield Claim(
            f"There are {figure} {said}.",
            "count",
            quote=request[token.start : tokens[head].end],
            subject=singular(tokens[head].word),
            value=str(number),
        )


def _head(tokens: list[_Token], begin: int) -> int | None:
    """The noun that a number counts: the first plural, or the one right behind it."""
    for at in range(begin, min(begin + _NOUN_WORDS, len(tokens))):
        word = tokens[at].word
        if tokens[at].ends or word in _UNITS:
            return None
        if looks_plural(word):
            after = tokens[at + 1] if at + 1 < len(tokens) else None
            more = after is not None and not after.ends and looks_plural(after.word)
            return at + 1 if more else at
    return None


def _english(request: str) -> Iterator[tuple[int, int]]:
    """Runs of words between signs and small words; a number, "of" and adjectives stay within."""
    run: list[_Token] = []
    for token in [*_tokens(request), _Token(".", len(request), len(request))]:
        if not token.ends:
            run.append(token)
        elif run:
            yield run[0].start, run[-1].end
            run = []


def _by_signs(request: str) -> Iterator[tuple[int, int]]:
    for found in re.finditer(r"[^，。、！？；：,.!?;:\n]+", request):
        text = found[0]
        left = len(text) - len(text.lstrip())
        if text.strip():
            yield found.start() + left, found.start() + left + len(text.strip())


def _chinese_number(text: str) -> int:
    if text.isdecimal() and text.isascii():
        return int(text)
    tens, _, ones = text.partition("十") if "十" in text else ("", "", text)
    value = sum(_DIGITS.get(d, 0) for d in ones[-1:])
    return value + (10 * (_DIGITS.get(tens[-1:], 1) or 1) if "十" in text else 0)
