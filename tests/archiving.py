"""What the tests of the archive keep in it."""

from __future__ import annotations

from dataclasses import replace

from limner.agent.archive.archive import Archive
from limner.agent.archive.rows import CandidateRow, VersionRow
from limner.agent.records import Claim, Critique
from limner.pipelines.roles import ImageRequest

__all__ = ["BRIEF", "begun", "take"]

ORDER = ImageRequest("a cat", 2**64 - 1, 64, 64, 4, 5.0, "dogs")
CLAIMS = (Claim("It is red.", "colour", foils=("It is blue.",)), Claim("It is.", "count", needs=0))
CRITIQUE = Critique(CLAIMS, (0.9, None))
BRIEF = {
    "request": "a red cat",
    "prompt": "A red CAT",
    "claims": [{"text": "There is one cat.", "kind": "count", "quote": "cat", "foils": ["no dog"]}],
    "reply": "一只猫，好的",
}


def begun(archive: Archive, words: str = "a red cat") -> tuple[int, int]:
    session = archive.begin(profile="fake")
    return session, archive.add_version(session, VersionRow(words, BRIEF))


def take(version: int, *probabilities: float | None) -> CandidateRow:
    judged = replace(CRITIQUE, probabilities=probabilities or CRITIQUE.probabilities)
    return CandidateRow(version, 0, ORDER, judged, spent=1.5)
