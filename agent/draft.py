"""The JSON that a writer answers with, and how it is read: strictly asked for, leniently taken."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from limner.agent.plain import one_line
from limner.agent.records import Brief, Relation, Thing

__all__ = ["Draft", "Revision", "first_object", "schema_of"]

LONGEST = 100_000
"""Characters of a reply that are looked at; what comes after is no brief."""

T = TypeVar("T", bound="_Reply")


def _words(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda said: one_line(str(said or ""))[:longest])


def _few(most: int) -> BeforeValidator:
    return BeforeValidator(lambda said: said[:most] if isinstance(said, list) else said or [])


def _number(said: object) -> object:
    return min(max(int(said), 1), 12) if isinstance(said, int | float) else said or 1


_Word = Annotated[str, Field(max_length=40), _words(40)]
_Prompt = Annotated[str, Field(max_length=600), _words(600)]
_Sentence = Annotated[str, Field(max_length=300), _words(300)]


class _Reply(BaseModel):
    """Asks for exactly these keys; forgives a general model those that it adds or leaves out."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"additionalProperties": False},
        json_schema_serialization_defaults_required=True,
    )


class _Thing(_Reply):
    name: _Word
    count: Annotated[int, Field(ge=1, le=12), BeforeValidator(_number)] = 1
    colour: _Word = ""
    size: _Word = ""
    place: _Word = ""


class _Relation(_Reply):
    thing: _Word
    how: _Word
    other: _Word


class Revision(_Reply):
    """A reworded prompt, and one sentence to the user."""

    prompt: _Prompt
    reply: _Sentence = ""


class Draft(_Reply):
    """A brief as a writer writes it."""

    things: Annotated[list[_Thing], Field(max_length=8), _few(8)] = []
    relations: Annotated[list[_Relation], Field(max_length=8), _few(8)] = []
    where: _Word = ""
    light: _Word = ""
    style: _Word = ""
    avoid: Annotated[list[_Word], Field(max_length=8), _few(8)] = []
    prompt: _Prompt = ""
    reply: _Sentence = ""

    def brief(self, request: str) -> Brief:
        """The brief that this draft is, for that request."""
        return Brief(
            request=request,
            prompt=self.prompt,
            reply=self.reply,
            things=tuple(Thing(**thing.model_dump()) for thing in self.things if thing.name),
            relations=tuple(Relation(**r.model_dump()) for r in self.relations if r.how),
            where=self.where,
            light=self.light,
            style=self.style,
            avoid=tuple(filter(None, self.avoid)),
        )

    @classmethod
    def of(cls, brief: Brief) -> Draft:
        """The draft that this brief came from."""
        return cls.model_validate(
            {
                "things": [
                    {key: getattr(thing, key) for key in _Thing.model_fields}
                    for thing in brief.things
                ],
                "relations": [
                    {key: getattr(r, key) for key in _Relation.model_fields}
                    for r in brief.relations
                ],
                "avoid": list(brief.avoid),
                **{key: getattr(brief, key) for key in ("where", "light", "style")},
                **{key: getattr(brief, key) for key in ("prompt", "reply")},
            }
        )

    def without_prose(self) -> str:
        """Compact JSON of all but the prompt and the reply."""
        rest = self.model_dump(exclude={"prompt", "reply"})
        return json.dumps(rest, ensure_ascii=False, separators=(",", ":"))


def schema_of(reply: type[_Reply]) -> dict[str, Any]:
    """The JSON schema to hold a writer to: every key required, in order, and no other."""
    return reply.model_json_schema(mode="serialization")


def first_object(text: str, reply: type[T]) -> T | None:
    """The first JSON object in the text that is such a reply; None where there is none."""
    text = text[:LONGEST]
    start = text.find("{")
    for _ in range(100):
        if start < 0:
            return None
        try:
            found, _end = json.JSONDecoder().raw_decode(text, start)
            return reply.model_validate(found)
        except (ValueError, ValidationError, RecursionError):
            start = text.find("{", start + 1)
    return None
