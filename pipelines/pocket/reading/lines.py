"""Reads a line of a conversation as one call of a tool: draw, edit, select, undo, ask and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from limner.pipelines.pocket.reading.answers import answer, is_question
from limner.pipelines.pocket.reading.claims import ClaimReply
from limner.pipelines.pocket.reading.clauses import gather
from limner.pipelines.pocket.reading.edits import edit
from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.patches import Held, Patch, Unclear
from limner.pipelines.pocket.reading.phrases import Item, phrases
from limner.pipelines.pocket.reading.replies import is_chinese, say
from limner.pipelines.pocket.reading.request import is_foreign, statements, unread
from limner.pipelines.pocket.reading.selecting import (
    chosen,
    chosen_by_word,
    combines,
    version_by_word,
    version_of,
)
from limner.pipelines.pocket.reading.steering import (
    LINE_ENDS,
    LONGEST_CONTROL,
    after_talk,
    begins_anew,
    doubt_end,
    lead_end,
    means,
    plain_line,
    rest_behind,
    steers,
)
from limner.pipelines.pocket.reading.tokens import LONGEST
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.world import world

__all__ = ["Call", "completed", "read_line"]

Call = dict[str, Any]
_WORLD = SmallWorld()
_SMALL_TALK = ("thanks", "ok", "hello", "help")


def completed(call: Call, values: Mapping[str, Any]) -> Call:
    """An edit that somebody else read from a line, with all that an answer has."""
    line = _Line(values)
    change = {int(made["number"]): _without_number(made) for made in call["change"]}
    patch = Patch(Held(line.claims), list(call["add"]), list(call["remove"]), change)
    return line._edit(patch, line.line)


def _without_number(made: Mapping[str, Any]) -> ClaimReply:
    keys = ("quote", "text", "kind", "subject", "value", "object")
    quote, text, kind, subject, value, other = (str(made[key]) for key in keys)
    return ClaimReply(quote=quote, text=text, kind=kind, subject=subject, value=value, object=other)


def read_line(values: Mapping[str, Any]) -> Call:
    """What a line of a conversation asks for, given the facts of the task "turn"."""
    return _Line(values).read()


class _Line:
    """One line, and the conversation that it belongs to."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        whole = str(values.get("line") or "")[:LONGEST]
        self.line = whole[after_talk(whole) :]
        behind = doubt_end(self.line)
        self.line, self.asked_for = self.line[behind:], behind > 0
        self.claims: Sequence[Mapping[str, Any]] = values.get("claims") or ()
        self.language = "chinese" if is_chinese(self.line) else "english"
        if not any(c.isalpha() for c in self.line):
            self.language = str(values.get("language") or self.language)
        self.plain = plain_line(self.line)

    def read(self) -> Call:
        if not any(c.isalnum() for c in self.line):
            return self._ask("unclear", line=self.line.strip()[:40])
        for rule in (self._control, self._select, self._steer, self._by_words):
            if call := rule():
                return call
        if is_foreign(self.line):
            return self._ask("foreign")
        if not self.claims:
            return self._first()
        if is_question(self.plain, self.line):
            return self._answered()
        return self._fresh() or self._draw() or self._change(self._same())

    # lines that steer

    def _control(self) -> Call | None:
        for tool in ("undo", "redo", "again", "save", "adjust"):
            if means(tool, self.plain) and not self._of_a_thing(tool):
                return self._steering(tool)
        for said in (self.line.strip(LINE_ENDS).lower(), self.plain):
            for talk in _SMALL_TALK:
                if means(talk, said):
                    return self._talk(talk)
        return None

    def _by_words(self) -> Call | None:
        """The same of lines that say it in a way of their own."""
        tool = steers(self.line)
        wanted = not self.claims and _PICTURE.search(self.line.lower())
        if not tool or wanted or (tool != "talk" and not self.claims):
            return None
        if tool == "talk":
            return self._talk("thanks" if means("thanks", self.plain) else "ok")
        return self._steering(tool)

    def _of_a_thing(self, tool: str) -> bool:
        """Whether it is about a thing of the picture, and so a change: `the cat darker`."""
        if tool not in ("adjust", "redo", "again"):
            return False
        return any(i.kind == "thing" for i in phrases(self.line))

    def _steering(self, tool: str) -> Call:
        if tool == "again":
            return {"tool": "draw", "request": ""} if self.claims else self._ask("nothing_there")
        if tool == "adjust":
            return {"tool": "adjust", "instruction": self.line.strip()}
        return {"tool": tool}

    def _talk(self, talk: str) -> Call:
        things = _things(self.language) if talk == "help" else ""
        larger = say(self.language, "larger")
        return {"tool": "answer", "text": say(self.language, talk, things=things, larger=larger)}

    def _ask(self, key: str, choices: Sequence[str] = (), **told: str) -> Call:
        return {
            "tool": "ask",
            "question": say(self.language, key, **told),
            "choices": list(choices)[:6],
        }

    # one of the pictures

    def _select(self) -> Call | None:
        if len(self.line) > 2 * LONGEST_CONTROL and not self.values.get("candidates"):
            return None
        if combines(self.plain):
            return self._ask("one_at_a_time", self._numbers("candidates"))
        by_word = chosen_by_word(self.line, self._last_number())
        found = (by_word, "") if by_word else chosen(self.plain, self._last_number())
        if found is None:
            return None
        number, rest = found
        if not rest and not number:
            return None
        known = [int(c["number"]) for c in self.values.get("candidates") or ()]
        if not known and not self.claims:
            return None
        if number not in known and not 0 < number < min(known, default=0):  # older ones aren't told
            return self._no_candidate(number)
        call: Call = {"tool": "select", "candidate": number}
        if rest:
            then = _Line({**self.values, "line": rest})._after_choice()
            if then["tool"] in ("edit", "adjust", "save", "draw"):
                call["then"] = then
            else:
                return then
        return call

    def _after_choice(self) -> Call:
        return self._control() or self._change(self.line)

    def _no_candidate(self, number: int) -> Call:
        known = self._numbers("candidates")
        return self._ask("no_candidate" if known else "no_candidates", known, n=str(number))

    def _numbers(self, what: str) -> list[str]:
        return [f"#{c['number']}" for c in self.values.get(what) or ()]

    def _last_number(self) -> int:
        return max((int(c["number"]) for c in self.values.get("candidates") or ()), default=0)

    # an earlier version

    def _steer(self) -> Call | None:
        versions = self.values.get("versions") or ()
        if not versions:
            return None
        found = version_of(self.plain, versions)
        found = version_by_word(self.line) if found is None else found
        if found is None:
            return None
        known = [int(v["number"]) for v in versions]
        if found in known:
            return {"tool": "back_to", "version": found}
        choices = [say(self.language, "version", n=str(n)) for n in known[-4:]]
        return self._ask("no_version", choices)

    # pictures

    def _first(self) -> Call:
        """The first line of a conversation: a request, unless it asks something."""
        if is_question(self.plain, self.line):
            return {"tool": "answer", "text": answer(self.values, self.plain, self.language)}
        return {"tool": "draw", "request": self.line.strip()}

    def _answered(self) -> Call:
        """A question; if a request follows it, that counts."""
        _, mark, rest = self.line.replace("？", "?").partition("?")
        if mark and any(c.isalnum() for c in rest):
            call = _Line({**self.values, "line": rest.strip()}).read()
            if call["tool"] in ("edit", "draw", "select"):
                return call
        return {"tool": "answer", "text": answer(self.values, self.plain, self.language)}

    def _fresh(self) -> Call | None:
        """`something completely different: …`, 换个主题，…."""
        rest = rest_behind("fresh", "fresh_joins", self.line)
        rest = rest or begins_anew(self.line)
        if rest is None or self._goes_on(rest):
            return None
        if not rest.strip(LINE_ENDS):
            return self._ask("see_what")
        return {"tool": "draw", "request": rest.strip()}

    def _goes_on(self, rest: str) -> bool:
        """Whether it changes what is there after all: `forget it, make the cat blue`."""
        held = Held(self.claims)
        named = [i.mention for i in phrases(rest) if i.mention and i.mention.determiner == "the"]
        return any(m.subject and held.resolve(m.subject) for m in named)

    def _draw(self) -> Call | None:
        """`draw a dog`: a picture of its own, unless it goes on with the one at hand."""
        lead = lead_end("draws", self.line)
        if lead is None:
            return None
        items = phrases(self.line)
        on = ("also", "instead", "it", "them", "more")
        definite = [i for i in items if i.mention and i.mention.determiner in ("the", "more")]
        if definite or any(i.is_(*on) and i.kind != "thing" for i in items):
            return None
        rest = self.line[lead:].strip()
        return {"tool": "draw", "request": rest} if rest.strip(LINE_ENDS) else None

    def _same(self) -> str:
        """The line without `the same but` or `again, but`."""
        rest = rest_behind("same", "same_joins", self.line)
        return rest if rest and rest.strip(LINE_ENDS) else self.line

    # changes

    def _change(self, line: str) -> Call:
        held, items = Held(self.claims), phrases(line)
        try:
            fresh = self._another(items, held, line)
            if fresh:
                return fresh
            patch = edit(items, line, held, self._spoken_of())
        except Unclear as unclear:
            return self._ask(unclear.key, unclear.choices, **unclear.told)
        if not patch.empty:
            return self._edit(patch, line)
        if patch.heard:
            return {"tool": "answer", "text": say(self.language, "so_already")}
        return {**self._ask("unclear", line=self.line.strip()[:60]), "unread": True}

    def _spoken_of(self) -> list[str]:
        """The thing that the last change was about, where it was about one."""
        versions = self.values.get("versions") or ()
        if not versions or not versions[-1].get("changes"):
            return []
        for said in (str(versions[-1].get("words") or ""), *map(str, versions[-1]["changes"])):
            reading = gather(phrases(said))
            others = {link.other.subject for link in reading.links}
            named = [m.subject for m in reading.mentions if m.subject and m.subject not in others]
            found = {Held(self.claims).resolve(subject) for subject in named} - {""}
            if found:
                return list(found) if len(found) == 1 else []
        return []

    def _another(self, items: Sequence[Item], held: Held, line: str) -> Call | None:
        """A description that names nothing of the picture: a new one, or something to add?"""
        asked_for = (
            self.asked_for
            or bool(_ABOUT.match(line.lower()))
            or any(i.is_("there") and _SHOULD.search(i.text) for i in items)
        )
        if asked_for or any(i.is_(*_CHANGES) for i in items) or not held.subjects():
            return None
        reading = gather([i for i in phrases(line) if i.kind != "filler"])
        named = [m for m in reading.mentions if not m.denied]
        if not named or any(m.pronoun or held.resolve(m.subject) for m in named):
            return None
        if any(m.determiner in ("the", "more") for m in named) or _joined_on(items):
            return None
        if any(m.denied for m in reading.mentions) or any(m.place for m in named):
            return None
        request = line.strip()
        if reading.settings or reading.letterings:
            return {"tool": "draw", "request": request}
        what = request.strip(LINE_ENDS)[:80]
        choices = [say(self.language, key, what=what) for key in ("add", "fresh")]
        return self._ask("add_or_new", choices)

    def _edit(self, patch: Patch, line: str) -> Call:
        changed = [{"number": n, **made} for n, made in sorted(patch.change.items())]
        lost = []
        for made in [*patch.add, *patch.change.values()]:
            if not _WORLD.shows(statements([made])[0]):
                lost.append(_lost(made))
        unchecked = unread(line, [*patch.add, *patch.change.values()], lost)
        return {
            "tool": "edit",
            "add": list(patch.add),
            "remove": sorted(patch.remove),
            "change": changed,
            "instruction": _instruction(patch),
            "not_shown": list(dict.fromkeys(lost)),
            "unchecked": unchecked,
        }


_PICTURE = re.compile("picture|image|photo|drawing|painting|画|图")
_ABOUT = re.compile(r"\W*(?:\w+ )?(?:what|how) about ")
_SHOULD = re.compile("should|must|has to|needs|have to|要|得")
_CHANGES = (
    "set", "add", "remove", "put", "replace", "swap", "keep", "also", "instead", "instead_of",
    "it", "them", "post_neg", "double", "triple", "halve", "fewer", "only", "take", "be", "away",
)  # fmt: skip


def _lost(made: ClaimReply) -> str:
    """The words for what can't be shown: a number of what is known, else the noun alone."""
    quote, noun = made["quote"], lexicon().noun(made["subject"])
    named = [i.mention for i in phrases(quote) if i.mention]
    if made["kind"] not in ("count", "object") or noun is None or not named:
        return quote
    mention = named[0]
    if not noun.painted:
        return quote[slice(*mention.head)]
    return quote[slice(*mention.number)] or quote


def _instruction(patch: Patch) -> str:
    """The change in one English sentence, for painters that edit by instruction."""
    held = patch.held
    said = []
    gone = {str(held.claim(n)["subject"]) for n in patch.remove if _is_thing(held.claim(n))}
    said += [f"remove the {subject}" for subject in sorted(gone)]
    for made in [*patch.change.values(), *patch.add]:
        said.append(_ordered(made))
    if not said:
        said = [f"no longer: {held.claim(n)['text']}" for n in patch.remove]
    sentence = ", ".join(dict.fromkeys(said))
    return sentence[:1].upper() + sentence[1:] + "." if sentence else ""


def _is_thing(claim: Mapping[str, Any]) -> bool:
    return claim["kind"] in ("count", "object")


def _ordered(made: ClaimReply) -> str:
    text = made["text"].rstrip(".")
    return "make it so that " + text[:1].lower() + text[1:]


def _joined_on(items: Sequence[Item]) -> bool:
    first = next((i for i in items if not i.is_("filler")), None)
    return first is not None and (
        first.is_("and", "with", "also", "more") and first.kind != "thing"
    )


def _things(language: str) -> str:
    known = world().things
    if language == "chinese":
        return "、".join(noun.chinese for noun in known.values())
    return ", ".join(known)
