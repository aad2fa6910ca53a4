"""What the page is told of a conversation and of what happens in it, as plain JSON values."""

from __future__ import annotations

import base64
from dataclasses import asdict
from io import BytesIO
from typing import Any

from PIL.Image import Image

from limner.agent.archive.diary import Diary
from limner.agent.archive.rows import SessionRow, TakeRow, VersionRow
from limner.agent.events import (
    BriefReady,
    BriefToken,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    TakeReady,
)
from limner.agent.plain import one_line
from limner.agent.records import Critique, Take
from limner.agent.serve.faults import line_of
from limner.agent.serve.talk import Talk

__all__ = ["claims_told", "event_told", "past_told", "talk_told", "version_told"]


def talk_told(name: str, talk: Talk) -> dict[str, Any]:
    """A conversation as it stands; pictures are addresses below this server's own."""
    session = talk.session
    brief = session.brief
    return {
        "id": name,
        "seed": session.seed,
        "archived": session.diary.number if session.diary else None,
        "unkept": _unkept(session.diary),
        "job": talk.job or None,
        "version": session.version,
        "meant": session.meant,
        "request": brief.request if brief else "",
        "reply": one_line(brief.reply) if brief else "",
        "prompt": brief.prompt if brief else "",
        "versions": [asdict(past) for past in session.history()],
        "takes": [
            {**_take(take), "number": number, "picture": _address(name, talk, number)}
            for number, take in enumerate(session.takes, start=1)
        ],
    }


def event_told(event: Event, name: str = "", talk: Talk | None = None) -> dict[str, Any]:
    """What has just happened; with `talk`, a take's picture is an address, else it is inline."""
    match event:
        case BriefToken(text):
            return {"kind": "token", "text": text}
        case BriefReady():
            return {"kind": "brief", **_brief(event)}
        case PaintingStep(number, step, of, previews):
            rough = {at: _inline(picture) for at, picture in previews.items()}
            return {"kind": "step", "round": number, "number": step, "of": of, "previews": rough}
        case TakeReady(take, best):
            number = take.number + 1
            at = _address(name, talk, number) if talk else _inline(take.picture)
            return {"kind": "take", **_take(take), "number": number, "best": best, "picture": at}
        case Decided(number, what, why):
            return {"kind": "decided", "round": number, "what": what, "why": one_line(why)}
        case PromptRevised(number, before, after, reply):
            said = {"before": before, "after": after, "reply": one_line(reply)}
            return {"kind": "revised", "round": number, **said}
        case Finished(result):
            return {
                "kind": "finished",
                "ended": result.ended,
                "best": result.best.number + 1 if result.best else None,
                "spent": round(result.spent, 4),
                "seconds": round(result.seconds, 2),
                "notes": list(result.notes),
            }


def claims_told(critique: Critique) -> list[dict[str, Any]]:
    """Each claim with its probability, and whether it holds; null where nobody checked."""
    pairs = zip(critique.claims, critique.probabilities, strict=True)
    return [
        {
            "text": one_line(claim.text),
            "probability": known,
            "holds": None if known is None else known >= critique.threshold,
        }
        for claim, known in pairs
    ]


def past_told(row: SessionRow, cover: str | None) -> dict[str, Any]:
    """A session of the archive in a list; `cover` is its best picture's name."""
    return {
        "id": row.id,
        "request": one_line(row.name or row.request),
        "changed": row.changed,
        "versions": row.versions,
        "takes": row.takes,
        "holds": row.holds,
        "claims": row.claims,
        "picture": f"/pictures/{cover}.png" if cover else None,
    }


def version_told(version: VersionRow, takes: list[TakeRow]) -> dict[str, Any]:
    """A version of an archived session, and its takes."""
    return {
        "number": version.number,
        "words": one_line(version.words),
        "takes": [
            {
                "number": take.number,
                "picture": f"/pictures/{take.picture}.png",
                "prompt": one_line(take.order.prompt),
                "seed": take.order.seed,
                "claims": claims_told(take.critique),
            }
            for take in takes
        ],
    }


def _unkept(diary: Diary | None) -> str:
    """Why not all of a conversation is in the archive; "" where it is, or isn't meant to be."""
    return f"Not all is in the archive: {line_of(diary.problem)}" if diary and diary.problem else ""


def _take(take: Take) -> dict[str, Any]:
    return {
        "round": take.round,
        "prompt": one_line(take.order.prompt),
        "seed": take.order.seed,
        "width": take.picture.width,
        "height": take.picture.height,
        "claims": claims_told(take.critique),
    }


def _brief(event: BriefReady) -> dict[str, Any]:
    return {
        "prompt": event.brief.prompt,
        "reply": one_line(event.brief.reply),
        "claims": [one_line(claim.text) for claim in event.claims],
        "spans": [asdict(span) for span in event.spans],
        "repaired": list(event.repaired),
        "notes": [one_line(line) for line in (event.fallback, event.why) if line],
    }


def _address(name: str, talk: Talk | None, number: int) -> str:
    """The address of a take's picture, another one whenever the picture is finished otherwise."""
    session = talk.session if talk else None
    finishes = len(session.reel.finishes(number)) if session else 0
    return f"/pictures/{name}/{number}.png?finishes={finishes}"


def _inline(picture: Image) -> str:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
