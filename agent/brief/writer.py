"""Has a writer turn a request into a brief: what was asked, as claims, and a description of it.

What the writer says is checked here: a quote has to stand in the request, a number has to be one
that was typed, what is excluded stays excluded, and what code knows already can't be lost.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.agent.brief.claims import complete
from limner.agent.brief.client import WriterClient
from limner.agent.brief.coverage import find, unchecked
from limner.agent.brief.enforce import checked, said_in, stated, unlooped, whole, without_copied
from limner.agent.brief.english import singular, stem, stems, words_of
from limner.agent.brief.expansion import expansion_policy
from limner.agent.brief.extract import extract, is_english, phrases
from limner.agent.brief.patch import edited, taken_out
from limner.agent.brief.replies import (
    AskedStatement,
    DescribeReply,
    DrawReply,
    RewordReply,
    TurnReply,
)
from limner.agent.brief.reply_json import read_reply, why_unreadable
from limner.agent.brief.schema import template_values
from limner.agent.brief.tool_call import Call, TurnContext, plain_call
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim, Critique, Expansion
from limner.agent.syntax.reader import ParsedPrompt, compel, parse, unused_settings
from limner.errors import LimnerError
from limner.pipelines.roles import PainterSpec, TaskWriter, World
from limner.prompts import render
from limner.prompts.quality import about_quality

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "BriefWriter",
    "Drafted",
]


_NOUN_WORDS, _MOST_ABSENT = 3, 16


@dataclass(frozen=True, slots=True)
class Drafted:
    """A brief, and how it came to be.

    `fallback` is "" or one line on why the request itself had to serve, or in which other form the
    writer had to be asked; `why` "" or one line on why the writer added little or nothing.
    `repaired` is what the writer had lost or changed, in a few words each: code put it back.
    `worded` is the prompt as the writer had it.
    """

    brief: Brief
    fallback: str = ""
    why: str = ""
    repaired: tuple[str, ...] = ()
    worded: str = ""


@dataclass(frozen=True, slots=True)
class BriefWriter:
    """A writer with its tasks: any LangChain chat model, or one that takes tasks as they are.

    `world` is what the painter can show, where that is not anything, `description` the same in
    words for painters without a world of their own; `spec` is how the painter wants to be
    addressed. `prompts` is a folder of templates that win over ours, `expansion` how much the
    writer may add to a request.
    """

    writer: BaseChatModel | TaskWriter
    world: World | None = None
    description: str = ""
    spec: PainterSpec | None = None
    prompts: Path | None = None
    expansion: Expansion = "auto"
    client: WriterClient = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "client", WriterClient(self.writer, self.prompts))

    @property
    def trusted(self) -> bool:
        """Whether the writer reads by rule: its quotes then mean just what its claims say."""
        return isinstance(self.writer, TaskWriter)

    def draw(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """Drafts the brief of a request; yields what the writer writes, piece by piece.

        Never fails for what the writer does: where nothing usable comes of it, the request is the
        prompt and its own phrases are the claims.
        """
        parsed = parse(request)
        text = parsed.text or request
        policy, known = expansion_policy(text, self.expansion), extract(text)
        light = "yes" if policy.kind == "light" else ""
        values = {"request": text, "known": _plain(known), "light": light, **self._painter()}
        reply, why = yield from self.client.ask("draw", DrawReply, values, seed)
        if reply is not None and not self.trusted:
            reply = self._plainly(reply, values, text)
        if reply is not None and (reply.asked or any(map(str.isalpha, reply.prompt))):
            drafted = replace(self._drafted(request, text, known, reply), fallback=why)
        else:
            drafted = self._by_rule(request, text, known, why)
            if reply is not None and self.trusted:  # it says why it read nothing
                said = one_line(reply.reply, 400)
                drafted = replace(drafted, brief=replace(drafted.brief, reply=said))
        if policy.kind == "skip" and not self.world:
            drafted = replace(drafted, brief=replace(drafted.brief, prompt=text))
        return replace(self._with_syntax(drafted, parsed), why=policy.why if reply else "")

    def read(self, sentence: str) -> list[Claim]:
        """The claims of one sentence, by a writer that reads by rule; [] where it reads nothing."""
        values = {"request": sentence, "known": [], **self._painter()}
        reply = read_reply("".join(self.client.pieces("draw", values, 0)), DrawReply)
        asked, _ = checked(reply.asked if reply else (), sentence, (), trusted=True)
        return asked if not unchecked(sentence, asked, trusted=True) else []

    def hear(self, line: str, talk: TurnContext, seed: int) -> Generator[str, None, Call]:
        """What one line of a conversation does.

        A line that can only mean one thing is understood by rule. Where the writer understands
        nothing, the first line is a request, and a later one a change that adds its own phrases.
        """
        if not self.trusted and (plain := plain_call(line, talk)):
            return plain
        values = {**talk.values(line), **self._painter()}
        reply, why = yield from self.client.ask("turn", TurnReply, values, seed)
        call = self._call(reply, line, talk) if reply else None
        if call is None and talk.brief is None:
            call = Call("draw", line, request=line)
        elif call is None:
            call = Call("edit", line, add=(*extract(line), *phrases(line)), instruction=line)
        return replace(call, fallback=why)

    def edit(self, before: Brief, line: str, seed: int) -> Generator[str, None, Drafted]:
        """A brief after a line that changes it; a line that is no change adds what it says.

        What the line does not name can't change: a patch is applied, nothing is rewritten.
        """
        call = yield from self.hear(line, TurnContext(before, before.request), seed)
        if call.tool == "draw" and call.request:
            return (yield from self.draw(call.request, seed))
        return (yield from self.patched(before, call, seed))

    def patched(self, before: Brief, call: Call, seed: int) -> Generator[str, None, Drafted]:
        """A brief with the patch of a call applied, and worded anew where that changed it."""
        claims = edited(before.claims, call, trusted=self.trusted)
        drafting = self.change(before, call.line, claims, seed, call.not_shown, call.unchecked)
        drafted = yield from drafting
        return replace(drafted, fallback=call.fallback or drafted.fallback)

    def change(
        self,
        before: Brief,
        line: str,
        claims: Sequence[Claim],
        seed: int,
        not_shown: Sequence[str] = (),
        unread: Sequence[str] | None = None,
    ) -> Generator[str, None, Drafted]:
        """The brief after a change to its claims, worded anew; `line` is what was typed.

        Words of the line that the change does not speak for are unchecked from then on; `unread`
        are these words, where the writer told them itself.
        """
        after = complete(claims)
        gone = [claim for claim in before.claims if claim.text not in {c.text for c in after}]
        new = [claim for claim in after if claim.text not in {c.text for c in before.claims}]
        open_: Sequence[str] = (
            unchecked(line, [*new, *_named(gone, line)], trusted=self.trusted, editing=True)
            if unread is None
            else unread
        )
        brief = replace(
            before,
            request=line,
            claims=after,
            unchecked=_still((*before.unchecked, *open_), line, open_),
            reply="",
        )
        brief = self._bounded(brief, not_shown)
        brief = replace(brief, claims=_narrowed(brief))
        brief = replace(brief, negative=_negative(brief, _kept_negative(before)))
        if self.world:
            prompt, fallback = self.world.prompt(_shown(self.world, brief.claims)), ""
        else:
            prompt, fallback = yield from self._described(brief, before, seed)
        brief = replace(brief, prompt=prompt or before.prompt)
        return Drafted(brief, fallback, worded=before.prompt)

    def reword(
        self,
        brief: Brief,
        critique: Critique,
        seed: int,
        seen: Mapping[int, str] | None = None,
    ) -> str:
        """A new wording of the prompt that goes against what failed; claims stay as they are.

        `seen` has for the index of a claim what the picture looks like in its place. Raises
        whatever the writer raises, and `LimnerError` where it says nothing usable.
        """
        failed = critique.blamed or critique.failed
        looks = {i: f" (looks like: {text})" for i, text in (seen or {}).items()}
        wrong = "; ".join(critique.claims[i].text + looks.get(i, "") for i in failed)
        right = "; ".join(
            critique.claims[i].text for i in critique.known if i not in critique.failed
        )
        return self.worded(brief, wrong, right, seed)

    def worded(self, brief: Brief, wrong: str, right: str, seed: int) -> str:
        """Another wording of a brief's prompt; raises as `reword` does."""
        values = {
            "prompt": brief.prompt,
            "wrong": wrong,
            "right": right,
            "claims": _plain(brief.claims),
            **self._painter(),
        }
        said = "".join(self.client.pieces("reword", values, seed))
        reply = read_reply(said, RewordReply)
        if reply is None or not reply.prompt:
            raise LimnerError(f"The writer has no new wording: {why_unreadable(said)}.")
        return whole(unlooped(reply.prompt), brief.claims)

    def _plainly(self, reply: DrawReply, values: Mapping[str, Any], text: str) -> DrawReply:
        """The reply without what a weak model copied from its instructions, or repeats."""
        told, _ = render("draw", self.prompts, **template_values("draw", values))
        prompt = without_copied(reply.prompt, told, text)
        return reply.model_copy(update={"asked": stated(reply.asked, text), "prompt": prompt})

    def _call(self, reply: TurnReply, line: str, talk: TurnContext) -> Call | None:
        """The call of a writer's reply, with what it adds held against the line; None for nothing.

        Numbers of claims, candidates and versions that do not exist are dropped here.
        """
        add, _ = checked(reply.add, line, (), trusted=self.trusted)
        if not self.trusted and reply.tool == "edit":
            known = [c for c in extract(line) if not any(said_in(c.text, a.text) for a in add)]
            add = [*known, *(c for c in add if c.source == "asked")]
        count = len(talk.brief.claims) if talk.brief else 0
        change = {}
        for item in reply.change:
            made, _ = checked([item], line, (), trusted=self.trusted)
            if made and 0 < item.number <= count and made[0].source == "asked":
                change[item.number] = made[0]
        remove = tuple(n for n in reply.remove if 0 < n <= count)
        if talk.brief and not self.trusted and reply.tool == "edit":
            remove = tuple(sorted({*remove, *taken_out(line, talk.brief.claims)}))
        if reply.tool == "edit" and not (add or change or remove):
            return None
        if reply.tool == "edit" and talk.brief is None:
            return Call("draw", line, request=line)
        then = self._call(reply.then, line, talk) if reply.then else None
        return Call(
            reply.tool,
            line,
            _piece(reply.request, line) if reply.tool == "draw" else "",
            tuple(add),
            remove,
            change,
            one_line(reply.instruction, 300) or line,
            reply.candidate,
            reply.version,
            one_line(reply.text, 600),
            one_line(reply.question, 300),
            tuple(one_line(choice, 80) for choice in reply.choices[:6]),
            tuple(reply.not_shown),
            self._unread(reply.unchecked, line),
            then if then and then.tool == "edit" else None,
        )

    def _unread(self, words: Sequence[str] | None, line: str) -> tuple[str, ...] | None:
        """The words that a writer of rules says it could not use; None where it tells nothing."""
        if words is None or not self.trusted:
            return None
        return tuple(word for word in words if word and word in line)

    def _open(
        self, text: str, claims: Iterable[Claim], unread: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """The words of a request that no claim speaks for, and those that a writer could not use.

        What rules of a writer's own pass over in silence is found here, too.
        """
        quoted = [claim for claim in claims if claim.quote]
        own = unchecked(text, quoted, trusted=self.trusted)
        if unread is None:
            return own
        slots = (slot for c in quoted for slot in (c.kind, c.subject, c.value, c.object))
        named = stems(*unread, *slots, "one")  # also a thing that is named again
        more = (word for word in own if not stems(word) <= named and word not in "".join(unread))
        whole = tuple(dict.fromkeys((*unread, *more)))
        return tuple(word for word in whole if not any(word in w != word for w in whole))

    def _painter(self) -> dict[str, Any]:
        """What a writer is told of the painter."""
        spec = self.spec
        kind = "prose"
        if spec and (spec.tags or spec.tokens < 60):
            kind = "tags" if spec.tags else "short"
        world = self.world.description if self.world else self.description
        return {"dialect": kind, "tokens": spec.tokens if spec else 77, "world": world}

    def _drafted(
        self, request: str, text: str, known: Sequence[Claim], reply: DrawReply
    ) -> Drafted:
        asked, repaired = checked(reply.asked, text, known, trusted=self.trusted)
        unread = self._unread(reply.unchecked, text)
        if not (reply.asked and asked) and unread != ():  # (): rules have read a vague wish whole
            asked = [*asked, *_own_phrases(text, asked)]
            repaired = (*repaired, "nothing usable was noted: the request's own phrases are")
        invented = [_claim(item, "invented") for item in reply.invented]
        claims = complete([*asked, *invented])
        brief = Brief(
            request=request,
            prompt=text,
            claims=claims,
            reply=one_line(reply.reply, 400) if self.trusted else "",
            unchecked=self._open(text, claims, unread),
        )
        brief = self._bounded(brief, reply.not_shown)
        brief = replace(brief, claims=_narrowed(brief))
        brief = replace(brief, negative=_negative(brief, reply.negative))
        prompt = self.world.prompt(_shown(self.world, claims)) if self.world else ""
        worded = unlooped(reply.prompt) or text
        seen = [c for c in asked if c.kind != "absent" and is_english(c.text)]
        if not self.trusted and 2 * sum(said_in(c.text, worded) for c in seen) < len(seen):
            worded = text  # it describes something else
        return Drafted(
            replace(brief, prompt=prompt or whole(worded, claims)),
            repaired=repaired,
            worded=reply.prompt,
        )

    def _by_rule(self, request: str, text: str, known: Sequence[Claim], fallback: str) -> Drafted:
        """Where no writer helps: the request is the prompt, its phrases are the claims."""
        claims = complete([*known, *_own_phrases(text, known)] or [Claim(text, quote=text)])
        covered = [c for c in claims if is_english(c.quote) or c.kind == "text"]
        brief = Brief(request, text, claims, unchecked=unchecked(text, covered))
        brief = self._bounded(brief, ())
        brief = replace(brief, negative=_negative(brief, ()))
        return Drafted(brief, fallback or "The writer noted nothing that was asked.")

    def _bounded(self, brief: Brief, said: Iterable[str]) -> Brief:
        """The brief with the words that this painter can't show, as it was typed."""
        lost = [c for c in brief.asked if self.world and not self.world.shows(c)]
        if self.world and hasattr(self.world, "fits"):
            lost += self.world.fits(brief.asked)
        words = [claim.quote or claim.text for claim in lost]
        typed = brief.request.casefold()
        words += [word for word in said if word and word.casefold() in typed]
        unseen = {word for text in words for word in words_of(text)}
        open_ = tuple(word for word in brief.unchecked if not {*words_of(word)} & unseen)
        words = [w for w in words if not any(w != other and w in other for other in words)]
        return replace(brief, not_shown=tuple(dict.fromkeys(words)), unchecked=open_)

    def _with_syntax(self, drafted: Drafted, parsed: ParsedPrompt) -> Drafted:
        """The draft with what other tools' syntax said: exclusions, weights, words of quality."""
        brief, dropped = drafted.brief, [*parsed.dropped]
        dropped += [f"LoRA {name}" for name, _ in parsed.loras]
        dropped += unused_settings(parsed, self.spec) if self.spec else []
        if self.spec and self.spec.weights:
            brief = replace(brief, prompt=compel(brief.prompt, parsed.weights))
        else:
            dropped += [f"({words}:{weight:g})" for words, weight in parsed.weights]
        style = ", ".join(parsed.style_words)
        if self.world:  # its painter knows no such words, and one shape
            dropped += [style] if style else []
            shape = parsed.aspect or parsed.size
            dropped += [f"--ar {shape[0]}:{shape[1]}"] if shape else []
        brief = replace(
            brief,
            claims=complete(
                [
                    *(replace(c, quote=_as_typed(c.quote, brief.request)) for c in brief.claims),
                    *map(_absent, _things(parsed.negative)),
                ]
            ),
            negative=tuple(dict.fromkeys((*brief.negative, *parsed.negative))),
            style_prompt="" if self.world else style,
            dropped=tuple(dropped),
        )
        return replace(drafted, brief=brief)

    def _described(
        self, brief: Brief, before: Brief, seed: int
    ) -> Generator[str, None, tuple[str, str]]:
        """A prompt for changed claims; where no writer helps, the claims themselves."""
        values = {
            "claims": _plain(brief.claims),
            "request": brief.request,
            "before": before.prompt,
            **self._painter(),
        }
        reply, fallback = yield from self.client.ask("describe", DescribeReply, values, seed)
        if reply is None or not reply.prompt:
            shown = (c.text for c in brief.claims if c.kind != "absent")
            return " ".join(shown), fallback or "The writer described nothing."
        return whole(unlooped(reply.prompt), brief.claims), ""


def _things(negative: Iterable[str]) -> list[str]:
    """What a pasted negative prompt excludes, without the faults that every one lists."""
    short = [phrase for phrase in negative if len(phrase.split()) <= _NOUN_WORDS]
    return [phrase for phrase in short if not about_quality(phrase)][:_MOST_ABSENT]


def _absent(phrase: str) -> Claim:
    subject = singular(phrase.casefold())
    text = f"There is no {subject}."
    return Claim(text, "absent", quote=phrase, subject=subject, value="0")


def _narrowed(brief: Brief) -> tuple[Claim, ...]:
    """The claims, with quotes in Chinese without the words in them that nobody checks.

    People are shown these quotes: what holds of 一只可爱的小猫 may be the cat alone.
    """
    open_ = [word for word in brief.unchecked if not word.isascii()]
    made = []
    for claim in brief.claims:
        quote = claim.quote
        for word in open_:
            parts = [part.strip("的， ") for part in quote.split(word)]
            quote = max(reversed(parts), key=len) or quote  # the noun comes last
        made.append(replace(claim, quote=quote))
    return tuple(made)


_MARKS = r"(?:[\\()\[\]{}]|:-?\d+(?:\.\d+)?(?=[)\]}]))*"  # what weighs words, and what escapes it


def _as_typed(quote: str, request: str) -> str:
    """The quote as it stands in the request, with the marks of other tools that are within it."""
    if not quote or quote in request:
        return quote
    signs = (r"\s+" if sign.isspace() else re.escape(sign) for sign in quote[:300])
    found = re.search(_MARKS.join(signs), request)
    return found[0] if found else quote


def _own_phrases(text: str, known: Iterable[Claim]) -> list[Claim]:
    """A request's phrases as claims, but for those that known claims say."""
    known = [*known]
    return [c for c in phrases(text) if not any(said_in(c.quote, k.quote) for k in known)]


def _piece(request: str, line: str) -> str:
    """The description in a line, as it was typed; the whole line where it is not a piece of it."""
    places = find(one_line(request), line)
    if not one_line(request):
        return ""
    return line[places[0][0] : places[0][1]] if places else line


def _plain(claims: Iterable[Claim]) -> list[dict[str, str]]:
    keys = ("quote", "text", "kind", "subject", "value", "object")
    return [{key: getattr(claim, key) for key in keys} for claim in claims]


def _claim(item: AskedStatement, source: str) -> Claim:
    return Claim(item.text, item.kind, source, "", item.subject, item.value, item.object)


def _shown(world: World, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if world.shows(claim)]


def _named(gone: Iterable[Claim], line: str) -> list[Claim]:
    """What was taken away, quoted by the words of the line that name it."""
    made = []
    for claim in gone:
        about = stems(claim.text, claim.quote)
        made += [replace(claim, quote=word) for word in words_of(line) if stem(word) in about]
        if claim.quote and claim.quote in line:
            made.append(claim)
    return made


def _still(words: Iterable[str], line: str, new: Sequence[str]) -> tuple[str, ...]:
    """Unchecked words that stay so: those that the line names again are settled by it."""
    again = set(words_of(line))
    kept = [w for w in words if w in new or not (set(words_of(w)) & again)]
    return tuple(dict.fromkeys(kept))


def _negative(brief: Brief, said: Iterable[str]) -> tuple[str, ...]:
    """What must not be seen: the absent things, and what the writer adds; nothing that is asked."""
    wanted = stems(*(f"{c.text} {c.subject}" for c in brief.claims if c.kind != "absent"))
    absent = [claim.subject for claim in brief.claims if claim.kind == "absent" and claim.subject]
    more = [one_line(text, 80) for text in said]
    fit = [text for text in more if not stems(text) & wanted]
    return tuple(dict.fromkeys((*absent, *filter(None, fit))))[:32]


def _kept_negative(before: Brief) -> list[str]:
    absent = {claim.subject for claim in before.claims if claim.kind == "absent"}
    return [text for text in before.negative if text not in absent]
