"""Has a writer turn a request into a brief, change it, and reword a prompt that failed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent.conversation.patch import Keep, patch
from limner.agent.draft import Draft, Revision, first_object, schema_of
from limner.agent.gate import gate
from limner.agent.language.demands import carried, demanded
from limner.agent.language.keeping import binding, lost
from limner.agent.language.locks import Lock, told
from limner.agent.language.nouns import canonical
from limner.agent.language.plainly import Ruled, plainly
from limner.agent.language.repairs import repair
from limner.agent.language.replies import honest, undoubled
from limner.agent.language.spoken import garbled, in_full, speaks_of, strayed, undisturbed
from limner.agent.language.wording import plain_prompt
from limner.agent.plain import first_line, one_line
from limner.agent.records import Brief, Critique, Expansion
from limner.agent.styling import restyled
from limner.errors import LimnerError
from limner.prompts import render

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["Drafted", "Scribe"]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A brief, and "" or one line on why the request itself had to serve as the brief.

    `why` is "" or one line on why the writer added little or nothing to it.
    `locks` are what was stated and holds from here on; `repaired` what the writer had lost and what
    its prompt did not say of its own brief, in a few words each: all of it was put back. `worded`
    is the prompt as the writer had it.
    """

    brief: Brief
    fallback: str = ""
    why: str = ""
    locks: tuple[Lock, ...] = ()
    repaired: tuple[str, ...] = ()
    worded: str = ""


@dataclass(frozen=True, slots=True)
class Scribe:
    """A writer with its instructions: any LangChain chat model can be one.

    A writer whose `holds_json` is true is bound to the reply's JSON schema and to a seed. Of any
    other, the first JSON object in what it says is taken. `expansion` is how much it may add.
    """

    writer: BaseChatModel
    domain: str = ""
    prompts: Path | None = None
    expansion: Expansion = "auto"

    def expand(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """Drafts a brief; yields what the writer writes, piece by piece.

        Never fails for what the writer does: where no brief comes of it, or one that loses what
        was stated and cannot be repaired, the request is the brief. Of a request that is a full
        prompt already, only the structure is drafted; see `gate`.
        """
        how, locks = gate(request, self.expansion), demanded(request)
        plain = Brief(request, request)
        bound = binding(locks, plain, self.domain)
        plain = replace(plain, avoid=tuple(k.value for k in bound if k.kind == "absent"))
        light = "yes" if how.kind == "light" else ""
        drafted = yield from self._draft("expand", plain, seed, request=request, light=light)
        if how.kind == "skip":
            drafted = replace(drafted, brief=replace(drafted.brief, prompt=request))
        drafted = self._keeping(locks, drafted, plain, whole=how.kind != "skip")
        return drafted if drafted.fallback else replace(drafted, why=how.why)

    def edit(
        self, before: Brief, request: str, seed: int, locks: Sequence[Lock] = ()
    ) -> Generator[str, None, Drafted]:
        """Drafts the brief anew with a change applied; `locks` are those that held before.

        What can only mean one thing is done by rule, and no writer is asked; see `plainly`. Where
        nothing comes of it, the old brief stays, with what is stated put in by rule, or else with
        the change put before its prompt; a painter of a small world could not read that.
        """
        if ruled := plainly(request, before, locks, self.domain):
            return self._ruled(ruled, before, request)
        told = f"{request}. {before.prompt}" if not self.domain else before.prompt
        kept = replace(before, request=request, prompt=told, reply="")
        brief = Draft.of(before).without_prose()
        drafting = self._draft("edit", kept, seed, brief=brief, request=request)
        held = _held(locks, before)
        now = carried(held, request, [thing.name for thing in before.things])
        drafted = self._keeping(now, (yield from drafting), kept, before)
        after = restyled(before, drafted.brief)
        if patch(before, after) == (Keep(),):
            after = replace(after, reply="")  # whatever it says that it did
        return replace(drafted, brief=after)

    def revise(
        self,
        prompt: str,
        critique: Critique,
        seed: int,
        locks: Sequence[Lock] = (),
        brief: Brief | None = None,
        seen: Mapping[int, str] | None = None,
    ) -> Revision:
        """A new wording of the prompt that goes against what failed; claims stay as they are.

        Whatever of the `locks` the old wording kept, the new one keeps too; `brief` is what the
        prompt was made from. `seen` has for the index of a claim what the picture looks like in
        its place (see `instead`): the writer is told. Raises whatever the writer raises, and
        `LimnerError` when it says nothing usable or loses what was stated. Where it leaves things
        of the brief out, the brief's own structure in plain words is the new wording.
        """
        wrong = "; ".join(
            _wrong(critique, i, seen or {}) for i in critique.blamed or critique.failed
        )
        failed = set(critique.failed)
        right = "; ".join(c.text for i, c in enumerate(critique.claims) if i not in failed)
        said = "".join(self._ask("revise", Revision, seed, prompt=prompt, wrong=wrong, right=right))
        revision = first_object(said, Revision)
        if revision is None or not revision.prompt:
            raise LimnerError(_nothing("new wording", said))
        before = replace(brief or Brief(prompt, prompt), prompt=prompt)
        after = replace(before, prompt=undoubled(revision.prompt, prompt))
        if not speaks_of(after.prompt, before) or self._garbled(after):
            return self._in_plain_words(before)
        mended = repair(_held(locks, before), after, self.domain)
        if mended.lost:
            raise LimnerError(f"The new wording lost what was stated: {_told(mended.lost)}.")
        reply = honest(revision.reply, before)
        return revision.model_copy(update={"prompt": mended.brief.prompt, "reply": reply})

    def _ruled(self, ruled: Ruled, before: Brief, request: str) -> Drafted:
        """A change by rule, with a prompt that says all of it."""
        brief, _ = in_full(replace(ruled.brief, request=request, reply=""), self.domain)
        return Drafted(brief, ruled.why, "", ruled.locks, worded=before.prompt)

    def _garbled(self, brief: Brief) -> bool:
        """Whether the prompt is none that the painter of a domain could make sense of."""
        return bool(self.domain and brief.things) and garbled(brief.prompt, brief)

    def _in_plain_words(self, brief: Brief) -> Revision:
        """The brief's own structure as a new wording, in place of one that lost things."""
        plain = plain_prompt(brief)
        if plain == brief.prompt:
            raise LimnerError("The new wording lost things of the brief.")
        return Revision(prompt=plain, reply="")

    def _keeping(
        self,
        locks: tuple[Lock, ...],
        drafted: Drafted,
        old: Brief,
        before: Brief | None = None,
        whole: bool = True,
    ) -> Drafted:
        """The draft with what it lost put back; the old brief where that can't be.

        `before` is the brief that was changed; `whole` that its prompt has to say all of it.
        """
        if drafted.fallback:
            return replace(drafted, locks=locks)
        settled = [canonical(thing.name) for thing in before.things] if before else []
        mended = repair(locks, self._only_asked(before, drafted.brief), self.domain, settled)
        own = [lock for lock in locks if lock.start >= 0 and lock.thing in settled]
        if gone := mended.lost or lost(own, mended.brief):
            why = f"The writer lost what was stated: {_told(gone)}."
            return self._by_rule(Drafted(old, why, locks=locks), before, drafted.brief)
        brief, repaired = mended.brief, tuple(told(lock) for lock in mended.repaired)
        if whole:
            brief = replace(brief, prompt=undoubled(brief.prompt, brief.request))
            brief, said = in_full(brief, self.domain)
            if self._garbled(brief):
                brief = replace(brief, prompt=plain_prompt(brief))
            repaired = tuple(dict.fromkeys((*repaired, *said)))
        if before and self.domain and (missing := strayed(before, brief)):
            why = f"The writer left out: {', '.join(missing)}."
            ruled = self._by_rule(Drafted(brief, why, locks=locks), before, brief)
            if ruled.worded:
                return ruled
        brief = replace(brief, reply=honest(brief.reply, brief))
        return Drafted(brief, "", "", locks, repaired, drafted.brief.prompt)

    def _only_asked(self, before: Brief | None, draft: Brief) -> Brief:
        """The draft of a change, in which nothing changed that its request passes over."""
        if before is None or (kept := undisturbed(before, draft)) == draft:
            return draft
        return replace(kept, prompt=plain_prompt(kept)) if self.domain else kept

    def _by_rule(self, spoilt: Drafted, before: Brief | None, draft: Brief) -> Drafted:
        """The brief from before, in the draft's setting, with what was asked for put in by rule.

        Where that can't be, or changes nothing, it is the spoilt draft.
        """
        if before is None:
            return spoilt
        scene = {part: getattr(draft, part) for part in ("where", "light", "style")}
        same = replace(before, request=draft.request, reply="", **scene)
        same = replace(same, prompt=plain_prompt(same)) if self.domain else same
        mended = repair(spoilt.locks, same, self.domain, [canonical(t.name) for t in same.things])
        ruled = mended.brief
        if mended.lost or ruled == same or strayed(before, ruled):
            return spoilt
        repaired = tuple(told(lock) for lock in mended.repaired)
        why = f"{spoilt.fallback.rstrip('.')}; the change is made by rule."
        return replace(spoilt, brief=ruled, fallback=why, repaired=repaired, worded=before.prompt)

    def _draft(
        self, name: str, fallback: Brief, seed: int, **values: str
    ) -> Generator[str, None, Drafted]:
        said: list[str] = []
        try:
            for piece in self._ask(name, Draft, seed, **values):
                said.append(piece)
                yield piece
        except LimnerError as problem:
            return Drafted(fallback, problem.message)
        except Exception as problem:  # a writer is anyone's code, and the picture matters more
            return Drafted(fallback, f"The writer failed: {first_line(problem)}")
        draft = first_object("".join(said), Draft)
        if draft is None or not draft.prompt:
            return Drafted(fallback, _nothing("brief", "".join(said)))
        return Drafted(draft.brief(fallback.request))

    def _ask(
        self, name: str, reply: type[Draft] | type[Revision], seed: int, **values: str
    ) -> Iterator[str]:
        lines = {key: one_line(value) for key, value in values.items()}
        system, human = render(name, self.prompts, domain=self.domain, **lines)
        messages: Sequence[tuple[str, str]] = [("system", system), ("human", human)]
        if getattr(self.writer, "holds_json", False):
            bound = self.writer.bind(json_schema=schema_of(reply), seed=seed)
            pieces = bound.stream(messages)
        else:
            pieces = self.writer.stream(messages)
        for piece in pieces:
            if piece.text:
                yield str(piece.text)


def _held(locks: Sequence[Lock], brief: Brief) -> tuple[Lock, ...]:
    """The locks that the brief keeps: what it had lost before is not asked of its next wording."""
    gone = lost(locks, brief)
    return tuple(lock for lock in locks if lock not in gone)


def _wrong(critique: Critique, index: int, seen: Mapping[int, str]) -> str:
    """A claim that failed, in the form that the pocket writer has learned."""
    looks = f" (looks like: {seen[index]})" if index in seen else ""
    return critique.claims[index].text + looks


def _told(locks: Sequence[Lock]) -> str:
    return ", ".join(told(lock) for lock in locks)


def _nothing(what: str, said: str) -> str:
    if not said.strip():
        return f"The writer said nothing, so there is no {what}."
    if "{" in said:
        return f"The writer's {what} was cut off or not valid JSON."
    return f"The writer answered without a {what}."
