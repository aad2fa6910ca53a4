"""One description of each argument: every door takes the same values, and refuses the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import typer.main
from tooled import tools_in

from limner.agent.batch.columns import COLUMNS, value_of
from limner.agent.cli.main import command_named
from limner.agent.cli.options import above_zero
from limner.agent.mcp.calls import listed_tools
from limner.agent.search.run import pixels
from limner.agent.tools.arguments import (
    ARGUMENTS,
    Arguments,
    ImagineArguments,
    ResultArguments,
    argument_adapter,
    argument_value,
)
from limner.agent.tools.outputs import BriefJson, PictureJson, VerdictJson
from limner.errors import BadInput

LARGEST_SEED = 2**32 - 1
CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "seed": ([0, 7, "7", LARGEST_SEED], [-1, LARGEST_SEED + 1, True, 0.5, "x"]),
    "budget": ([0.01, 4, "4", 1_000], [0, -1, 1_000.5, float("inf"), float("nan"), "much"]),
    "seconds": ([0.5, 60, 86_400], [0, -1, 86_401]),
    "images_per_round": ([1, 64], [0, 65, 1.5]),
    "size": (["128x128", "8192x1", "1x8192"], ["", "0x8", "8193x8", "128", "axb", "8x8x8"]),
    "style": (["poster", "x" * 60], ["x" * 61]),
    "negative": (["blurry", "x" * 1_000], ["x" * 1_001]),
    "request": (["a cat", "x" * 4_000], ["", "x" * 4_001]),
    "claims": ([["the door is red"] * 16], [[], ["x"] * 17, ["x" * 301], [""]]),
    "finish": (["brighter"], ["", "x" * 201]),
    "take": (["t1", "0" * 16, "12-4"], ["", "t0", "../t1", "12-0", "A" * 16, "t1\n"]),
    "session": ([1, 12], [0, -1, 10**12]),
    "candidate": ([1, 12], [0, -1, 10**6]),
    "version": ([1, 12], [0, -1, 10**6]),
    "job": (["a-b_c"], ["", "x" * 65, "a b"]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_each_argument_has_its_range(name: str) -> None:
    good, bad = CASES[name]
    for value in good:
        assert argument_value(name, value) is not None
    for value in bad:
        with pytest.raises(BadInput, match=f"--{name}") as refused:
            argument_value(name, value, f"--{name}")
        assert "\n" not in str(refused.value)
    assert argument_value(name, None) is None


def test_arguments_of_version_0_1_are_understood() -> None:
    older = {"request": "a cat", "width": 64, "height": 32, "takes": 2}
    given = ImagineArguments.model_validate(older)
    assert (given.size, given.images_per_round) == ("64x32", 2)
    assert given.limits["size"] == (64, 32)
    assert ResultArguments.model_validate({"job": "x", "seconds": 5}).wait == 5


def bare(schema: Any) -> dict[str, Any]:
    """What a schema allows, without its words and without null for what may be left out."""
    told = dict(schema)
    options = [one for one in told.pop("anyOf", []) if one.get("type") != "null"]
    if len(options) == 1:
        told |= options[0]
    return {
        key: bare(value) if isinstance(value, dict) else value
        for key, value in told.items()
        if key not in ("description", "title", "default", "examples")
    }


WANTED = {name: bare(argument_adapter(name).json_schema()) for name in ARGUMENTS}
PROPERTIES = list[tuple[str, str, dict[str, Any]]]
"""Where a property was found, its name, and its schema."""


def of_mcp() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for tool in listed_tools():
        assert tool.input_schema["additionalProperties"] is False
        for name, schema in tool.input_schema["properties"].items():
            yield tool.name, name, schema


def of_langchain(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for tool in tools_in(folder).values():
        arguments = cast("type[Arguments]", tool.args_schema)
        assert arguments.model_config["extra"] == "forbid"
        for name, schema in arguments.model_json_schema()["properties"].items():
            yield tool.name, name, schema


def of_http() -> Iterator[tuple[str, str, dict[str, Any]]]:
    from limner.agent.serve.app import create_app
    from limner.agent.studio import Studio

    document = create_app(Studio.open("fake")).openapi()
    for name, schema in document["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            yield name, field, told


def test_mcp_and_langchain_say_the_same(tmp_path: Path) -> None:
    for door in (of_mcp(), of_langchain(tmp_path)):
        found = set()
        for where, name, schema in door:
            if name in WANTED:
                found.add(name)
                assert bare(schema) == WANTED[name], (where, name)
                assert schema.get("default") is None, (where, name)
        assert found >= {"request", "seed", "budget", "size", "style", "claims", "take", "session"}
    theirs = {(where, name): bare(schema) for where, name, schema in of_langchain(tmp_path)}
    ours = {(where, name): bare(schema) for where, name, schema in of_mcp()}
    assert theirs.items() <= ours.items()


def test_http_says_the_same() -> None:
    found = set()
    for where, name, schema in of_http():
        called = {"prompt": "request"}.get(name, name)
        if called in ("request", "seed", "budget", "seconds"):
            found.add(called)
            assert bare(schema) == WANTED[called], (where, name)
            assert schema.get("default") is None, (where, name)
    assert found == {"request", "seed", "budget", "seconds"}


def options() -> Iterator[tuple[str, Any, Any]]:
    """The options of the commands that paint, each with what it is read in."""
    for name in ("draw", "chat", "batch"):
        command: Any = typer.main.get_command(cast("typer.Typer", command_named(name)))
        context = command.make_context(name, ["x"], resilient_parsing=True)
        for param in command.params:
            if param.param_type_name == "option":
                yield name, param, context


def test_options_say_the_same() -> None:
    found = set()
    for command, option, context in options():
        name = str(option.name)
        if name not in WANTED or name == "version":  # which here is limner's own
            continue
        found.add(name)
        if (command, name) != ("batch", "seed"):  # of rows without one, and so never drawn
            assert option.default is None, (command, name)
            assert option.help == description(name), (command, name)
        for value in CASES[name][0]:
            assert typed(option, value, context) is not None
        for value in CASES[name][1]:
            with pytest.raises((BadInput, typer.BadParameter)):
                typed(option, value, context)
    assert found == {"seed", "budget", "seconds", "images_per_round", "size"}


def description(name: str) -> str:
    return str(argument_adapter(name).json_schema()["description"])


def typed(option: Any, value: Any, context: Any) -> Any:
    """What a command makes of an option's text."""
    read = option.process_value(context, str(value))
    if option.name == "size":
        return pixels(read)
    if option.name != "seed":
        above_zero(**{option.name: read})
    return read


def test_columns_say_the_same() -> None:
    found = set()
    for name in COLUMNS.keys() & CASES.keys() - {"request"}:
        found.add(name)
        for value in CASES[name][0]:
            assert value_of(name, str(value)) is not None
        for value in CASES[name][1]:
            if value not in ("", True):  # an empty cell says nothing
                with pytest.raises(BadInput):
                    value_of(name, str(value))
    assert found == {"seed", "size", "style", "budget", "negative"}


def test_json_says_what_outputs_say() -> None:
    """The answers' schemas are made of the types that build them."""
    pictures = [tool for tool in listed_tools() if tool.name == "imagine"]
    schema: Any = pictures[0].output_schema
    assert set(PictureJson.__annotations__) | {"uri"} == set(schema["properties"])
    assert set(BriefJson.__annotations__) == set(schema["$defs"]["BriefJson"]["properties"])
    assert set(VerdictJson.__annotations__) == set(schema["$defs"]["VerdictJson"]["properties"])
    jsonschema.Draft202012Validator.check_schema(schema)
