"""Drafts briefs of any prompts, paints nothing, and reports what was understood, lost or altered.

`python -m benchmarks.prompts_open` takes the prompts of prompts/open.txt; name another file for
its own: plain lines (in which \\n is a line break), JSON lines, or a CSV or TSV with a column of
prompts, such as PartiPrompts'. The writer `repeat` says the request once more and nothing else,
which shows what limner does without a model; `--writer` takes whatever `limner --writer` does.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations_with_replacement, pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler

from limner import Studio
from limner.agent.events import BriefReady
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.registry import open_writer

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from limner.agent.records import Brief, Claim

__all__ = ["FILE", "DraftedPrompt", "altered", "prompts_of", "report", "rows_of"]

FILE = Path(__file__).with_name("prompts") / "open.txt"
REPEAT = "repeat"
COLUMNS = ("prompt", "request", "caption", "text")
LARGEST = 64 * 2**20  # bytes of a file of prompts
LONGEST = 20_000  # characters of a request that are looked at
SEED = 1


@dataclass(frozen=True, slots=True)
class DraftedPrompt:
    """A prompt, its brief, what the brief alters, and the seconds it took without the model's."""

    request: str
    brief: Brief
    faults: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class _Clock(BaseCallbackHandler):
    """How long a chat model was at work; what is done with a piece while it streams counts, too."""

    seconds: float = 0.0
    calls: int = 0
    _since: dict[Any, float] = field(default_factory=dict)

    def on_chat_model_start(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.calls += 1
        self._since[run_id] = time.perf_counter()

    def on_llm_end(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.seconds += time.perf_counter() - self._since.pop(run_id)

    def on_llm_error(self, *_: Any, run_id: Any, **__: Any) -> None:
        self.on_llm_end(run_id=run_id)

    def read(self) -> float:
        """The seconds so far; a reply that was not read to its end ends here."""
        for run_id in list(self._since):
            self.on_llm_end(run_id=run_id)
        return self.seconds


def main() -> None:
    """Draft the brief of each prompt and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", default=FILE)
    parser.add_argument("--writer", default=REPEAT)
    parser.add_argument("--limit", type=int, help="only so many prompts")
    parser.add_argument("--keep", type=Path, help="store the briefs in this file, as JSON lines")
    given = parser.parse_args()
    writer = FakeWriter() if given.writer == REPEAT else open_writer(given.writer, {})
    rows = list[DraftedPrompt]()
    for row in rows_of(prompts_of(given.file)[: given.limit], writer, given.writer == REPEAT):
        rows.append(row)
        for fault in row.faults:
            print(f"altered: {fault} · {row.request[:100]!r}", flush=True)
    if given.keep:
        told = (json.dumps(asdict(row), ensure_ascii=False) for row in rows)
        given.keep.write_text("".join(f"{line}\n" for line in told), encoding="utf-8")
    print(report(rows, given.writer))


def rows_of(
    requests: Sequence[str], writer: BaseChatModel, repeats: bool = False
) -> Iterator[DraftedPrompt]:
    """What comes of each request. A `FakeWriter` that `repeats` says each once more."""
    clock = _Clock()
    writer.callbacks = [clock]
    studio = Studio(writer, FakePainter(), FakeCritic())
    for request in requests:
        if repeats and isinstance(writer, FakeWriter):
            writer.replies = (json.dumps({"asked": [], "prompt": request}),)
        began, before = time.perf_counter(), clock.read()
        ready = [e for e in studio.expand(request, seed=SEED) if isinstance(e, BriefReady)][-1]
        own = time.perf_counter() - began - (clock.read() - before)
        yield DraftedPrompt(request, ready.brief, tuple(altered(request, ready.brief)), own)


def report(rows: Sequence[DraftedPrompt], writer: str) -> str:
    """The figures in a few lines."""
    claimed = sum(bool(_asked(row.brief)) for row in rows)
    wrong = sum(bool(row.faults) for row in rows)
    words = Counter(word.lower() for row in rows for word in row.brief.unchecked)
    often = ", ".join(f"{word} {count}" for word, count in words.most_common(15))
    seconds = sorted(row.seconds for row in rows) or [0.0]
    return "\n".join(
        [
            f"{len(rows)} prompts, writer {writer}",
            f"with claims: {claimed} ({claimed / max(1, len(rows)):.1%}), "
            f"{sum(len(_asked(row.brief)) for row in rows) / max(1, len(rows)):.1f} each",
            f"altered in meaning: {wrong}",
            f"words that nothing checks: {words.total()} ({often or 'none'})",
            f"seconds a prompt without the chat model's own: median {median(seconds):.4f}, "
            f"most {seconds[-1]:.4f}",
        ]
    )


def prompts_of(path: Path) -> list[str]:
    """The prompts of a file. Raises `BadInput` where there are none."""
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise BadInput(f"{path} is no file of prompts.", "Give a .txt, .jsonl, .csv or .tsv.")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        table = csv.DictReader(
            text.splitlines(keepends=True), delimiter="," if kind == ".csv" else "\t"
        )
        found = [_column(row) for row in table]
    elif kind == ".jsonl":
        found = [_column(json.loads(line)) for line in text.splitlines() if line.strip()]
    else:
        found = [line.replace("\\n", "\n") for line in text.splitlines()]
    prompts = [prompt for prompt in found if prompt.strip()]
    if not prompts:
        raise BadInput(f"{path} has no prompts.", f"Call the column one of {', '.join(COLUMNS)}.")
    return prompts


def _column(row: dict[str, Any]) -> str:
    cells = {str(name).strip().lower(): cell for name, cell in row.items()}
    return next((str(cells[name]) for name in COLUMNS if cells.get(name)), "")


# What a brief alters, as far as rules can tell.

_SYNTAX = re.compile(
    r"(?is)\n\s*(?:negative prompt:|steps:\s*\d).*"  # pasted settings
    r"|<[a-z]{2,12}:[^<>\n]{1,80}>"
    r"|(?<!\S)--[a-z]{1,20}(?:[ =][\w:.]{1,20})?"
    r"|:\d{1,2}(?:\.\d{1,4})?(?=\))"  # weights
    r"|(?<![\w.])(?:f/)\d{1,3}(?:\.\d)?"
    r"|(?<![\w.])\d{1,4}(?:\.\d)?[ -]?(?:k|mm|px|bit|dpi)(?!\w)"
)
_WORDS = {
    2: "two zwei deux dos couple pair",
    3: "three drei trois tres",
    4: "four vier quatre cuatro",
    5: "five fünf cinq cinco",
    6: "six sechs seis",
    7: "seven sieben sept siete",
    8: "eight acht huit ocho",
    9: "nine neun neuf nueve",
    10: "ten zehn dix diez",
    11: "eleven onze",
    12: "twelve dozen zwölf douze doce",
}
_NUMBERS = {word: number for number, words in _WORDS.items() for word in words.split()}
_HAN = dict(zip("两兩二三四五六七八九十", (2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10), strict=True))
_COUNTED = "只個个条條朵头匹本棵辆艘座张位名把颗双幅块片根顶人"
_DIGITS = re.compile(r"(?<![\w.,:])\d{1,4}(?![\d.,:]?\d)(?=girl|boy|other|\W|$)")
_QUOTED = re.compile(
    r"“([^”]{1,80})”|„([^“”]{1,80})[“”]|\"([^\"]{1,80})\"|«([^»]{1,80})»|「([^」]{1,80})」"
    r"|『([^』]{1,80})』|(?<!\w)'([^'\n]{1,80})'(?!\w)"
)
_NEGATED = re.compile(
    r"(?i)\b(?:no|without|not an?|nor|neither|keine?[nmrs]?|ohne|sans)\s+"
    r"(?:(?:any|an?|other|more|the)\s+)?([^\W\d]{2,30})|(?:没有|沒有|不要|别画)(\w{1,4})|(\w{1,4})なし"
)


def altered(request: str, brief: Brief) -> list[str]:
    """Where the brief of a request says something else than the request.

    A number, or a text in quotation marks, that neither claims nor prompt have, and that is not
    named as unchecked; a number that nobody said; a thing that was excluded and is asked for; a
    thing that was asked for and is avoided; a quote that nobody typed. None of these rules knows
    more than a few words of English, German, French, Spanish, Chinese and Japanese.
    """
    said = _SYNTAX.sub(" ", request[:LONGEST])
    claims = _asked(brief)
    kept = " ".join(
        [brief.prompt, *brief.unchecked, *brief.not_shown, *brief.negative]
        + [part for claim in claims for part in (claim.text, claim.value, claim.quote)]
    )
    return [
        *_numbers_lost(said, kept),
        *_numbers_new(said, claims),
        *_texts_lost(said, kept),
        *_turned(said, claims),
        *(f"avoids {term}" for term in _avoided(brief)),
        *(f"quotes {c.quote!r}" for c in claims if _plain(c.quote) not in _plain(request)),
    ]


def _asked(brief: Brief) -> list[Claim]:
    return [claim for claim in brief.claims if claim.source == "asked"]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _numbers(text: str) -> set[int]:
    """The numbers from 2 on that a text says in words, digits or Chinese characters."""
    found = {int(digits) for digits in _DIGITS.findall(text)}
    found |= {_NUMBERS[w] for w in re.findall(r"[^\W\d_]+", text.lower()) if w in _NUMBERS}
    found |= {_HAN[c] for c, after in pairwise(text) if c in _HAN and after in _COUNTED}
    return {number for number in found if number > 1}


def _numbers_lost(said: str, kept: str) -> Iterable[str]:
    digits = {int(found) for found in re.findall(r"(?<!\d)\d{1,4}(?!\d)", kept)}
    return (f"loses the number {n}" for n in sorted(_numbers(said) - _numbers(kept) - digits))


def _numbers_new(said: str, claims: Sequence[Claim]) -> Iterator[str]:
    """Counts that nobody said; those of one name that differ may be added up."""
    known = _numbers(said) | {1}
    sums = {a + b for a, b in combinations_with_replacement(sorted(known)[:20], 2)}
    for claim in claims:
        if claim.kind != "count" or not claim.value.isdecimal():
            continue
        number = int(claim.value)
        looks = [c for c in claims if c.subject == claim.subject and c.kind != "count"]
        named = said.lower().count(claim.subject.lower()) if claim.subject else 0
        if number not in (known | sums if len(looks) > 1 else known) and named < number:
            yield f"makes up the number {number} of {claim.subject}"


def _texts_lost(said: str, kept: str) -> Iterator[str]:
    for found in _QUOTED.finditer(said):
        text = next(filter(None, found.groups()))
        if _plain(text) not in _plain(kept):
            yield f"loses the text {text!r}"


def _turned(said: str, claims: Sequence[Claim]) -> Iterator[str]:
    """What was said not to be there, and is asked for."""
    for found in _NEGATED.finditer(said):
        noun = next(filter(None, found.groups())).casefold()
        if said.casefold().count(noun) > 1:
            continue  # said in another place, too: rules can't tell
        for claim in claims:
            if claim.kind in ("object", "count") and claim.value != "0" and _is(claim, noun):
                yield f"asks for {claim.subject or claim.quote}, which was excluded"


def _is(claim: Claim, noun: str) -> bool:
    """Whether a claim is of that noun: by its name, or by the very word that was typed."""
    quote = _plain(claim.quote)
    inside = not noun.isascii() and (noun.startswith(quote) or noun.endswith(quote))
    return claim.subject.casefold().rstrip("s") == noun.rstrip("s") or (
        len(quote) > 1 and (quote == noun or inside)
    )


def _avoided(brief: Brief) -> Iterator[str]:
    wanted = {_plain(c.subject) for c in _asked(brief) if c.kind in ("object", "count")}
    absent = {_plain(c.subject) for c in _asked(brief) if c.kind == "absent"}
    return (term for term in brief.negative if _plain(term) in wanted - absent)


if __name__ == "__main__":
    main()
