"""Commands about the picture at hand: its brief, its candidates and its versions."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent.brief import as_text, patch
from limner.agent.brief.tool_call import Call
from limner.agent.plain import one_line
from limner.agent.records import Brief
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.terminal.chat import Chat

__all__ = [
    "again",
    "branch",
    "brief",
    "describe",
    "diff",
    "finish",
    "go",
    "history",
    "meant",
    "negative",
    "number",
    "pick",
    "rate",
    "redo",
    "save",
    "show",
    "takes",
    "undo",
    "vary",
    "versions",
    "why",
]


def brief(chat: Chat, rest: str) -> None:
    """Shows the brief; `edit` opens it in the user's editor; `ask` turns asking on or off."""
    if rest == "ask":
        chat.ask = not chat.ask
        chat.screen.tell(f"{'the brief waits for your word' if chat.ask else 'painting at once'}")
    elif rest == "edit":
        before = _brief(chat)
        text = as_text.written(before)
        if (after := as_text.read(chat.edit(text), before)) != before:
            _rewrite(chat, after)
        else:
            chat.screen.tell("the brief is as it was")
    elif rest:
        raise BadInput(f"/brief {rest} is not known", "type /brief, /brief edit or /brief ask")
    else:
        _brief(chat)
        chat.tell_version(None)


def go(chat: Chat, _: str) -> None:
    """Paints the version at hand."""
    chat.go()


def again(chat: Chat, rest: str) -> None:
    """Paints the version at hand, or a take's, from fresh seeds."""
    _brief(chat)
    chat.do(Call("draw", candidate=number(rest, "/again #2") if rest else None))


def pick(chat: Chat, rest: str) -> None:
    """Goes on from a take."""
    chat.do(Call("select", candidate=number(rest, "/pick #2")))


def show(chat: Chat, rest: str) -> None:
    """Shows a take, or the one meant now."""
    chat.look(number(rest, "/show #2") if rest else meant(chat))


def finish(chat: Chat, rest: str) -> None:
    """Finishes the take meant now: nothing is painted."""
    if not rest:
        raise BadInput("finish it how?", "type /finish brighter, or /finish 1024 by 768")
    chat.do(Call("adjust", instruction=rest))


def save(chat: Chat, rest: str) -> None:
    """Saves the take meant now, finished, with how it came to be."""
    chat.save(Path(rest).expanduser() if rest else chat.out)


def undo(chat: Chat, _: str) -> None:
    """Takes back the last finishing of the take meant, or goes back to the version before."""
    chat.do(Call("undo"))


def redo(chat: Chat, _: str) -> None:
    """Forward to where undo came from."""
    chat.do(Call("redo"))


def branch(chat: Chat, rest: str) -> None:
    """Goes on from an earlier version; what came after it stays."""
    chat.do(Call("back_to", version=number(rest, "/branch 1")))


def history(chat: Chat, _: str) -> None:
    """Every version: what was said, what changed, and what was painted."""
    versions, told = chat.session.history(), chat.screen.words
    tree, language = chat.session.tree.versions, chat.screen.language
    if not versions:
        chat.screen.tell("nothing yet: say what you want to see")
    chat.screen.table(
        (
            str(past.number),
            told("at hand") if past.here else "",
            told(f"from {past.parent}") if past.parent else "",
            past.words,
            "; ".join(patch.words(tree[past.number - 1].patch, language)) if past.parent else "",
            " ".join(f"#{take}" for take in past.takes),
        )
        for past in versions
    )


def diff(chat: Chat, rest: str) -> None:
    """What differs between two versions; between the one at hand and its parent without numbers."""
    given = rest.split()
    if len(given) not in (0, 2):
        raise BadInput("two versions are compared", "type /diff 1 3")
    one, other = (number(word, "/diff 1 3") for word in given) if given else _last_two(chat)
    if chat.session.diff(one, other):  # or it says that there is no such version
        found = chat.session.tree.diff(one - 1, other - 1)
        chat.screen.changes(patch.words(found, chat.screen.language))


def why(chat: Chat, _: str) -> None:
    """The last decisions and their reasons."""
    reasons = chat.session.why()
    chat.screen.tell(*(reasons or ("nothing was decided yet",)))


def negative(chat: Chat, rest: str) -> None:
    """Shows what must not be there, or sets it: words with commas between them."""
    before = _brief(chat)
    if rest:
        words = (one_line(word, 40) for word in re.split(r"[,，、;；]", rest))
        kept = () if rest == "none" else tuple(dict.fromkeys(filter(None, words)))
        _rewrite(chat, replace(before, negative=kept))
    else:
        avoid = ", no ".join(before.negative)
        chat.screen.tell(f"no {avoid}" if avoid else "anything goes")


def versions(chat: Chat) -> list[str]:
    """The versions that can be named."""
    return [str(past.number) for past in chat.session.history()]


def _brief(chat: Chat) -> Brief:
    if chat.session.brief is None:
        raise BadInput("there is no brief yet", "say what you want to see")
    return chat.session.brief


def _rewrite(chat: Chat, after: Brief) -> None:
    before = chat.session.brief
    chat.session.rewrite(after)
    chat.tell_version(before)
    chat.screen.tell("type /go to paint it", style="dim")


def _last_two(chat: Chat) -> tuple[int, int]:
    here = next((past for past in chat.session.history() if past.here), None)
    if here is None or here.parent is None:
        raise BadInput("there is only one version", "say what should be different")
    return here.parent, here.number


_MUCH = {"hardly": 0.15, "a little": 0.3, "a bit": 0.3, "some": 0.45, "much": 0.65, "a lot": 0.65}
_VERDICTS = {"good": "good", "bad": "bad", "1": "better", "2": "worse", "=": "equal"}
_RATE = "type /rate #2 good, /rate #2 bad, or /rate #1 #2 and 1, 2 or ="


def vary(chat: Chat, rest: str) -> None:
    """Paints more of what a take shows: its own version, wording and size, other seeds.

    How much they differ counts where the painter can paint over a picture; another begins anew.
    """
    named, _, much = rest.partition(" ") if rest.startswith("#") else ("", "", rest)
    take = number(named, "/vary #2") if named else meant(chat)
    share = _share(much.strip().lower() or "a little")
    near = chat.session.studio.painter.dialect.starts
    how = (
        f"painted over, {share:.0%} anew"
        if near
        else "from fresh seeds: this painter can do no other"
    )
    chat.session.take(take)
    chat.screen.tell(f"#{take} in its own words, {how}", style="dim")
    chat.follow(chat.session.vary(take, share))


def describe(chat: Chat, rest: str) -> None:
    """Tells in words which claims hold on a take, which don't, and what it looks like instead."""
    chat.describe(number(rest, "/describe #2") if rest else meant(chat))


def rate(chat: Chat, rest: str) -> None:
    """Keeps what the user thinks of a take, or of one against another."""
    *named, said = rest.split() or [""]
    if said not in _VERDICTS or len(named) not in (1, 2) or (len(named) == 1) == (said in "12="):
        raise BadInput("what do you think of which take?", _RATE)
    shown = [number(word, "/rate #2 good") for word in named]
    chat.session.rate(_VERDICTS[said], *shown)
    other = f" against #{shown[1]}" if len(shown) > 1 else ""
    chat.screen.tell(f"noted: #{shown[0]}{other} is {_VERDICTS[said]}")


def takes(chat: Chat) -> list[str]:
    """The takes that can be named."""
    return [f"#{number + 1}" for number in range(len(chat.session.takes))]


def meant(chat: Chat) -> int:
    """The take that is meant now. Raises `BadInput` where there is none."""
    if chat.session.meant is None:
        raise BadInput("there is no picture yet", "say what you want to see")
    return chat.session.meant


def number(word: str, example: str) -> int:
    """The number that a word such as `#3` names. Raises `BadInput` for another word."""
    digits = word.strip().removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 7):
        raise BadInput(f"{word!r} is no number" if word else "which one?", f"type {example}")
    return int(digits)


def _share(much: str) -> float:
    """How much may differ, 0 to 1, as in "a little", "30%" or "0.3"."""
    found = re.fullmatch(r"(0?\.\d+|\d{1,2}(?= ?%)) ?%?", much)
    share = _MUCH.get(much, 0.0) if not found else float(found[1]) / (100 if "%" in much else 1)
    if not 0 < share < 1:
        raise BadInput(f"{much!r} is no amount", "type /vary #2 a little, /vary #2 much, or 30%")
    return share
