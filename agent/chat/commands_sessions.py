"""Commands about whole sessions: what there is, going on with another, and one as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent.archive.archive import Archive
from limner.agent.chat.commands_takes import number
from limner.agent.view.gallery import as_rows, page_of
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.chat.chat import Chat

__all__ = ["export", "resume", "sessions", "sessions_there_are"]

_SHOWN = 20  # of the latest sessions; the gallery has all


def sessions(chat: Chat, rest: str) -> None:
    """Lists the latest sessions, or those in which every word is found."""
    found = _archive(chat).sessions(rest)
    here = chat.session.diary.number if chat.session.diary else None
    if not found:
        chat.screen.tell(f"no session has “{rest}”" if rest else "nothing is kept yet")
    chat.screen.table(
        (*row, "at hand" if one.id == here else "")
        for one, row in zip(found, as_rows(found[:_SHOWN]), strict=False)
    )
    if len(found) > _SHOWN:
        chat.screen.tell(f"and {len(found) - _SHOWN} more: say some of the words", style="dim")


def resume(chat: Chat, rest: str) -> None:
    """Goes on with another session; this one is on disk as it is."""
    archive = _archive(chat)
    chat.resume(archive, number(rest, "/resume 3"))


def export(chat: Chat, rest: str) -> None:
    """Saves this session as one page that needs nothing else."""
    archive = _archive(chat)
    if chat.session.diary is None or chat.session.diary.number is None:
        raise BadInput("there is nothing to export yet", "say what you want to see")
    here = Path(rest).expanduser() if rest else _folder(chat.out)
    chat.screen.told(page_of(archive, chat.session.diary.number, here))


def sessions_there_are(chat: Chat) -> list[str]:
    """The numbers of the latest sessions."""
    return [str(row.id) for row in _archive(chat).sessions()[:_SHOWN]]


def _archive(chat: Chat) -> Archive:
    diary = chat.session.diary
    if diary is None:
        raise BadInput("this conversation is not kept", "begin one without --no-archive")
    if diary.problem:
        raise BadInput(diary.problem.message, diary.problem.hint)
    return diary.archive


def _folder(out: Path) -> Path:
    return out.parent if out.suffix.lower() == ".png" else out
