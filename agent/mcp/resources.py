"""What an assistant can look up: whole pictures by their ids, and the archive's sessions."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from mcp.types import (
    BlobResourceContents,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from limner.agent.archive.rows import ArchivedSession, CandidateRow, SessionRow
from limner.agent.mcp.content import ADDRESS, uri_of
from limner.agent.plain import clean, one_line
from limner.agent.records import Brief
from limner.agent.tools.outputs import judged, past_brief
from limner.agent.tools.service import ToolService
from limner.errors import BadInput

__all__ = ["TEMPLATES", "list_resources", "read_resource"]

_SESSIONS = 100  # the latest; a longer list would fill the assistant's memory
_JSON, _PNG = "application/json", "image/png"
_GALLERY = f"{ADDRESS}gallery"
_TAKE = re.compile(re.escape(f"{ADDRESS}takes/") + r"([0-9a-f]{16}|[1-9]\d{0,11}-[1-9]\d{0,5})")
_SESSION = re.compile(re.escape(f"{_GALLERY}/") + r"([1-9][0-9]{0,11})")

TEMPLATES = (
    ResourceTemplate(
        uri_template=f"{ADDRESS}takes/{{id}}",
        name="take",
        title="A picture",
        description="The whole PNG of a take, by the id that a tool or the gallery gave.",
        mime_type=_PNG,
    ),
    ResourceTemplate(
        uri_template=f"{_GALLERY}/{{session}}",
        name="session",
        title="One session",
        description="What was asked for in a session, and all its takes with their ids.",
        mime_type=_JSON,
    ),
)


def list_resources(service: ToolService) -> list[Resource]:
    """The gallery, where there is one, and the takes painted since the server was started."""
    gallery = Resource(
        uri=_GALLERY,
        name="gallery",
        title="What was painted so far",
        description="The latest sessions of limner's archive, with the best take of each.",
        mime_type=_JSON,
    )
    takes = (
        Resource(uri=uri_of(kept), name=kept.name, title=one_line(kept.words, 80), mime_type=_PNG)
        for kept in reversed(service.candidates.all())
    )
    return [*([gallery] if service.archive else []), *takes]


def read_resource(service: ToolService, uri: str) -> ReadResourceResult:
    """What is at an address. Raises `BadInput` where nothing is."""
    if found := _TAKE.fullmatch(uri):
        blob = base64.b64encode(service.content(found[1])).decode("ascii")
        picture = BlobResourceContents(uri=uri, blob=blob, mime_type=_PNG)
        return ReadResourceResult(contents=[picture])
    if uri == _GALLERY:
        rows = service.kept_archive().sessions()[:_SESSIONS]
        return _page(uri, {"sessions": [_listed(row) for row in rows]})
    if found := _SESSION.fullmatch(uri):
        return _page(uri, _session(service.kept_archive().load(int(found[1]))))
    raise BadInput("there is no such resource", f"read {_GALLERY}")


def _page(uri: str, fields: dict[str, Any]) -> ReadResourceResult:
    text = json.dumps(fields, ensure_ascii=False)
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, text=text, mime_type=_JSON)])


def _listed(row: SessionRow) -> dict[str, Any]:
    return {
        "session": row.id,
        "name": clean(row.name),
        "request": clean(row.request),
        "changed": row.changed,
        "versions": row.versions,
        "candidates": row.candidates,
        "best": None if row.best is None else f"{row.id}-{row.best}",
    }


def _session(kept: ArchivedSession) -> dict[str, Any]:
    briefs = {version.number: past_brief(version) for version in kept.versions}
    return {
        **_listed(kept.row),
        "said": [
            {"version": version.number, "words": clean(version.words), "seed": version.seed}
            for version in kept.versions
        ],
        "candidates": [_take(kept.row.id, take, briefs[take.version]) for take in kept.candidates],
        "decisions": [f"{one.what}: {clean(one.why)}" for one in kept.decisions],
    }


def _take(session: int, row: CandidateRow, brief: Brief) -> dict[str, Any]:
    return {
        "take": f"{session}-{row.number}",
        "uri": f"{ADDRESS}takes/{session}-{row.number}",
        "version": row.version,
        "prompt": clean(row.image_request.prompt),
        "verdict": judged(brief, row.critique)["verdict"],
    }
