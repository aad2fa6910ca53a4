"""The command line: one line for a mistake, exit codes as promised, and nothing half-written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic.fields import FieldInfo

from limner.agent.cli import main, options
from limner.agent.tools.arguments import Budget, ImagesPerRound, Seconds, Seed, Size
from limner.errors import LimnerError

REQUEST = "a red cat on the grass, two dogs"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ran(*arguments: str | Path) -> int:
    return main.main([str(argument) for argument in arguments])


def draw(*arguments: str) -> int:
    return ran(REQUEST, "--profile", "fake", "--seed", "3", *arguments)


def test_a_picture_is_saved_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw() == 0
    out = capsys.readouterr().out
    (path,) = Path().iterdir()
    assert path.name in out and "limner reproduce" in out and "seed 3" in out


def test_one_json_object_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    assert draw("--json") == 0
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert out.isascii() and out.count("\n") == 1 and err == ""
    assert Path(told["picture"]).is_file()
    assert told["request"] == REQUEST and told["seed"] == 3 and told["ended"] == "done"
    assert {"text", "kind", "source", "quote", "probability", "holds"} <= set(told["claims"][0])
    assert told["brief"]["objects"][0]["name"] == "dog" and told["prompt"]
    assert told["brief"]["claims"][0]["text"] in told["verdict"]["holds"]
    assert told["fallback"] == "" and isinstance(told["repaired"], list)
    assert set(told["models"]) == {"writer", "painter", "critic"}


UNSURE = """
writer: {name: fake, settings: {replies: ['REPLY']}}
painter: {name: fake}
critic: {name: fake, settings: {scores: [[0.9]]}}
budget: 1
takes: 1
"""
REPLIES = {  # of a writer, to "a red cat, neon", and what may be said of the picture
    '{"asked":[{"quote":"red cat","text":"There is a red cat."}],"prompt":"a cat"}': ["neon"],
    '{"asked":[{"quote":"a red cat, neon","text":"A red cat, neon."}],"prompt":"a cat"}': [],
}


@pytest.mark.parametrize("reply", REPLIES)
def test_what_was_not_looked_at_is_never_called_right(
    reply: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("unsure.yaml").write_text(UNSURE.replace("REPLY", reply))
    wish = ("a red cat, neon", "--profile", "unsure.yaml", "--seed", "1")
    open_, code = REPLIES[reply], 4 if REPLIES[reply] else 0
    assert ran(*wish) == 0
    seen = capsys.readouterr().out
    assert ("not checked: neon" in seen) == bool(open_) and " hold" in seen
    assert ("the one claim holds" in seen) == (not open_) and "Every claim holds" not in seen
    assert ran(*wish, "--strict", "--json") == code  # the picture is saved all the same
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["unchecked"] == open_ == told["brief"]["unchecked"]
    assert told["verdict"]["reached"] is not bool(open_) and Path(told["picture"]).is_file()
    assert ran(*wish, "--strict", "--quiet") == code
    assert ran("show", told["picture"]) == 0
    assert told["verdict"]["said"] in capsys.readouterr().out.split("\n", 1)[1]
    assert ran("show", told["picture"], "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["verdict"], shown["brief"]) == (told["verdict"], told["brief"])


def test_a_fallback_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.yaml").write_text(UNSURE.replace("REPLY", "no JSON"))
    assert ran("a red cat, neon", "--profile", "odd.yaml", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fallback"] and told["prompt"] == "a red cat, neon"
    assert ran("a red cat, neon", "--profile", "odd.yaml") == 0
    assert f"note: {told['fallback']}" in capsys.readouterr().out


def test_what_was_pasted_with_a_prompt_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    pasted = "a red cat\nSteps: 3, CFG scale: 4.5, Seed: 77, Sampler: Euler a"
    fake = ("--profile", "fake", "--json", "--budget", "1", "--takes", "1")
    assert ran(pasted, *fake) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seed"], told["image_request"]["steps"], told["image_request"]["guidance"]) == (
        77,
        3,
        4.5,
    )
    assert any("Euler" in name for name in told["brief"]["dropped"])
    assert any("not used: " in note and "Euler" in note for note in told["notes"])
    assert ran(pasted, *fake, "--seed", "5") == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 5


def test_quiet_prints_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw("--quiet", "--out", "deep/cat.png") == 0
    assert capsys.readouterr().out == "deep/cat.png\n"
    assert Path("deep/cat.png").is_file()


def test_the_same_seed_paints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw("--out", "a.png") == draw("--out", "b.png") == 0
    assert ran("again", "a.png") == 0
    assert "identical" in capsys.readouterr().out
    from limner.pipelines.stamp import read

    one, other = read(Path("a.png")), read(Path("b.png"))
    assert one.picture.tobytes() == other.picture.tobytes()


def test_a_seed_is_drawn_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    seeds = set()
    for _ in range(2):
        assert ran(REQUEST, "--profile", "fake", "--json") == 0
        seeds.add(json.loads(capsys.readouterr().out)["seed"])
    assert len(seeds) == 2


def test_limits_are_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert draw("--json", "--takes", "2", "--size", "32x64", "--no-refine", "--budget", "3") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["candidates"] == 2 and told["spent"] <= 3
    assert (told["image_request"]["width"], told["image_request"]["height"]) == (32, 64)


@pytest.mark.parametrize("form", [[], ["--json"], ["--quiet"]])
def test_expand_only_paints_nothing(form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert draw("--expand-only", *form) == 0
    seen = capsys.readouterr().out
    assert "cat" in seen and not list(Path().iterdir())
    if form == ["--json"]:
        told = json.loads(seen)
        assert told["verdict"]["reached"] is False and told["verdict"]["said"]
        assert told["verdict"]["holds"] == [] and told["brief"]["claims"] == told["claims"]


def test_words_need_no_quotes_and_may_be_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    fake = ("--profile", "fake", "--json", "--seed", "1")
    for typed in (["show"], ["the", "show"]):
        for before in (["draw"], ["--"], ["draw", "--"]):
            options = fake if before == ["draw"] else ()
            assert ran(*fake[: len(fake) - len(options)], *options, *before, *typed) in (0, 2)
    capsys.readouterr()
    assert ran("draw", *fake, "show") == 0
    assert json.loads(capsys.readouterr().out)["request"] == "show"
    assert ran(*fake, "--", "show") == 0
    assert json.loads(capsys.readouterr().out)["request"] == "show"
    assert ran("a", "red", "cat", *fake) == 0
    assert json.loads(capsys.readouterr().out)["request"] == "a red cat"


def test_show_tells_how_it_came_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    draw("--out", "a.png")
    capsys.readouterr()
    assert ran("show", "a.png") == 0
    text = capsys.readouterr().out
    for part in (REQUEST, "of the run: 3", "There are two dogs", "round 1", "fake"):
        assert part in text
    assert ran("show", "a.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["request"] == REQUEST


def test_again_says_when_it_is_not_identical(capsys: pytest.CaptureFixture[str]) -> None:
    draw("--out", "a.png")
    from limner.agent.archive.recipe import Recipe
    from limner.pipelines import stamp

    found = stamp.read(Path("a.png"))
    found.picture.putpixel((0, 0), (1, 2, 3))
    recipe = Recipe.parse(found.recipe, Path()).model_dump_json()
    Path("b.png").write_bytes(stamp.stamp(found.picture, recipe=recipe, settings="", tool="x"))
    capsys.readouterr()
    assert ran("again", "b.png") == 1
    assert "not identical" in capsys.readouterr().out
    assert ran("again", "b.png", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["identical"] is False and told["largest_difference"] > 0


MISTAKES = {
    "no request": [],
    "empty": [""],
    "escapes only": ["\x1b]0;owned\x07\x1b[2J"],
    "a megabyte": ["x" * 1_000_000],
    "profile": ["--profile", "no\x1b[31mpe", "a cat"],
    "profile file": ["--profile", "no.yaml", "a cat"],
    "painter": ["--profile", "fake", "--painter", "no", "a cat"],
    "size": ["--profile", "fake", "--size", "7x7", "a cat"],
    "no size": ["--profile", "fake", "--size", "large", "a cat"],
    "zero size": ["--profile", "fake", "--size", "0x0", "a cat"],
    "budget": ["--profile", "fake", "--budget", "0", "a cat"],
    "small budget": ["--profile", "fake", "--budget", "0.01", "a cat"],
    "no budget": ["--profile", "fake", "--budget", "nan", "a cat"],
    "takes": ["--profile", "fake", "--takes", "-1", "a cat"],
    "seconds": ["--profile", "fake", "--seconds", "0", "a cat"],
    "seed": ["--profile", "fake", "--seed", "-1", "a cat"],
    "no number": ["--profile", "fake", "--seed", "x\x1b[2J", "a cat"],
    "option": ["--profile", "fake", "--sed", "1", "a cat"],
    "folder": ["--profile", "fake", "--out", "file/x", "a cat"],
    "show nothing": ["show"],
    "show no file": ["show", "no\x1b[31m.png"],
    "show a folder": ["show", "."],
    "show no picture": ["show", "file"],
    "again no picture": ["again", "file"],
    "again no profile": ["again", "file", "--profile", "nope"],
    "train what": ["train", "no\x1b[31mpe"],
    "nearly a command": ["galery"],
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["", "json"])
def test_a_mistake_is_told_in_one_line(
    mistake: str, form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if form and mistake in ("train what", "nearly a command"):
        pytest.skip("there is no --json")
    Path("file").write_text("mine")
    assert ran(*MISTAKES[mistake], *form) == 2
    out, err = capsys.readouterr()
    assert re.fullmatch(r"limner: [^\n]{5,400} — [^\n]{3,300}\n", err), err
    assert "\x1b" not in out + err and "Traceback" not in err
    if form:
        assert json.loads(out)["exit_code"] == 2
    else:
        assert out == ""
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_a_failing_painter_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("breaks.yaml").write_text(
        "writer: {name: fake}\npainter: {name: fake, settings: {breaks_at: 1}}\n"
        "critic: {name: fake}\n"
    )
    assert ran("a cat", "--profile", "breaks.yaml") == 1
    assert "the brush broke" in capsys.readouterr().err
    assert not list(Path().glob("*.png"))


def test_help_tells_the_exit_codes_and_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--help") == 0
    text = capsys.readouterr().out
    assert all(f"\n    {code} " in text for code in (0, 1, 2, 3, 4, 130))
    assert "limner show FILE" in text and text.startswith("Usage: limner [OPTIONS]")
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_nearly_a_command_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("galery") == 2
    assert "did you mean limner gallery? To paint it, type limner draw galery" in (
        capsys.readouterr().err
    )
    fake = ("--profile", "fake", "--quiet", "--seed", "1")
    for typed in (["cat"], ["galery", "of", "cats"], ["draw", "galery"]):
        assert ran(*typed, *fake) == 0


def test_an_unknown_profile_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("a cat", "--profile", "poket") == 2
    assert "known: auto, fake, pocket; " in capsys.readouterr().err


def test_an_old_name_does_the_same_and_tells_the_new(capsys: pytest.CaptureFixture[str]) -> None:
    draw("--out", "a.png", "--takes", "1")
    capsys.readouterr()
    assert ran("again", "a.png") == ran("reproduce", "a.png") == 0
    out, err = capsys.readouterr()
    assert out == 2 * "identical: every pixel is the same\n"
    assert err == "limner: limner again is called limner reproduce now\n"


def test_options_are_described_as_in_every_door() -> None:
    described = {"seed": Seed, "budget": Budget, "seconds": Seconds, "size": Size}
    described["images_per_round"] = ImagesPerRound
    for name, option in described.items():
        (ours,) = (one for one in get_args(getattr(options, option_name(name))) if has_help(one))
        (theirs,) = (one for one in get_args(option) if isinstance(one, FieldInfo))
        assert ours.help == theirs.description


def option_name(argument: str) -> str:
    return argument.title().replace("_", "")


def has_help(one: object) -> bool:
    return bool(getattr(one, "help", ""))


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("help") == ran("--help") == 0
    first, second = capsys.readouterr().out.split("Usage: ")[1:]
    assert first == second
    assert ran("help", "gallery") == 0 and "limner gallery" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--version") == 0
    assert re.fullmatch(r"limner \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_errors_lose_capital_and_full_stop(capsys: pytest.CaptureFixture[str]) -> None:
    assert main._refuse(LimnerError("There is none.", "Type CLIP."), False) == 1
    assert capsys.readouterr().err == "limner: there is none — type CLIP\n"
    main._refuse(LimnerError("CLIP broke", ""), False)
    assert capsys.readouterr().err == "limner: CLIP broke\n"
