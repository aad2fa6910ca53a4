"""What the page is told of a conversation and of what happens in it, as plain JSON values."""

from __future__ import annotations

import base64
from dataclasses import asdict
from io import BytesIO
from typing import Any

from PIL.Image import Image

from limner.agent.archive.rows import ArchivedSession, SessionRow, TakeRow
from limner.agent.conversation.recorder import SessionRecorder
from limner.agent.events import CandidateReady, Event, PaintingStep
from limner.agent.plain import one_line
from limner.agent.serve.faults import line_of
from limner.agent.serve.house import PageConversation
from limner.agent.tools.outputs import cleaned, event_dict, judged, past_brief, take_dict

__all__ = ["archived_told", "event_told", "past_told", "talk_told"]


def talk_told(name: str, talk: PageConversation) -> dict[str, Any]:
    """A conversation as it stands; pictures are addresses below this server's own."""
    session = talk.session
    return {
        "id": name,
        "seed": session.seed,
        "archived": session.diary.number if session.diary else None,
        "unkept": _unkept(session.diary),
        "job": talk.job or None,
        "version": session.version,
        "meant": session.meant,
        **(judged(session.brief) if session.brief else {}),
        "versions": cleaned([asdict(past) for past in session.history()]),
        "takes": [
            {**take_dict(take), "number": number, "picture": _address(name, talk, number)}
            for number, take in enumerate(session.takes, start=1)
        ],
    }


def event_told(
    event: Event, name: str = "", talk: PageConversation | None = None
) -> dict[str, Any]:
    """What has just happened; with `talk`, a take's picture is an address, else it is inline."""
    told = event_dict(event)
    if isinstance(event, PaintingStep):
        told["previews"] = {at: _inline(picture) for at, picture in event.previews.items()}
    elif isinstance(event, CandidateReady):
        number = event.take.number + 1
        told["picture"] = _address(name, talk, number) if talk else _inline(event.take.picture)
    return told


def past_told(row: SessionRow, kept: ArchivedSession) -> dict[str, Any]:
    """A session of the archive in a list, with its best picture and the verdict on it."""
    best = next((take for take in kept.takes if take.number == row.best), None)
    return {
        "id": row.id,
        "request": one_line(row.name or row.request),
        "changed": row.changed,
        "versions": row.versions,
        "takes": row.takes,
        "picture": f"/pictures/{best.picture}.png" if best else None,
        "verdict": _seen(best, kept)["verdict"] if best else None,
    }


def archived_told(kept: ArchivedSession) -> dict[str, Any]:
    """A session of the archive with every version and take."""
    history = [
        {
            "number": version.number,
            "words": one_line(version.words),
            "takes": [_past(take, kept) for take in kept.takes if take.version == version.number],
        }
        for version in kept.versions
    ]
    return {**past_told(kept.row, kept), "best": kept.row.best, "history": history}


def _past(take: TakeRow, kept: ArchivedSession) -> dict[str, Any]:
    return {
        "number": take.number,
        "picture": f"/pictures/{take.picture}.png",
        "prompt": one_line(take.order.prompt),
        "seed": take.order.seed,
        **_seen(take, kept),
    }


def _seen(take: TakeRow, kept: ArchivedSession) -> dict[str, Any]:
    version = next(one for one in kept.versions if one.number == take.version)
    return judged(past_brief(version), take.critique)


def _unkept(diary: SessionRecorder | None) -> str:
    """Why not all of a conversation is in the archive; "" where it is, or isn't meant to be."""
    return f"Not all is in the archive: {line_of(diary.problem)}" if diary and diary.problem else ""


def _address(name: str, talk: PageConversation | None, number: int) -> str:
    """The address of a take's picture, another one whenever the picture is finished otherwise."""
    session = talk.session if talk else None
    finishes = len(session.reel.finishes(number)) if session else 0
    return f"/pictures/{name}/{number}.png?finishes={finishes}"


def _inline(picture: Image) -> str:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
