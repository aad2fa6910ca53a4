"""Whether a batch that is killed again and again ends exactly as one that nobody disturbed.

Run it from an installed checkout: `python -m benchmarks.batch_killed --profile fake`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.benchmarks.cases import eval_prompts

DIFFERS = ("seconds", "attempts")
"""What a manifest says of the way, and not of where it led."""


@dataclass(frozen=True)
class Trial:
    """What is tried: so many requests, killed so often, at moments that `seed` decides."""

    count: int
    kills: int
    seed: int
    options: tuple[str, ...]


def main() -> int:
    """Run a batch twice, once undisturbed and once killed, and print the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="requests")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="of the moments of killing")
    parser.add_argument("--profile", default="pocket")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--budget", default="8")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for both batches")
    given = parser.parse_args()
    seed = int.from_bytes(os.urandom(4), "big") if given.seed is None else given.seed
    options = ("--profile", given.profile, "--workers", given.workers, "--budget", given.budget)
    with tempfile.TemporaryDirectory() as folder:
        place = given.keep or Path(folder)
        verdict = tried(Trial(given.count, given.kills, seed, options), place)
    print(json.dumps(verdict, indent=2))
    return 0 if verdict["the same"] else 1


def tried(trial: Trial, folder: Path) -> dict[str, Any]:
    """Both runs in `folder`, and how they compare."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "requests.txt"
    known = itertools.cycle([*eval_prompts("development"), *eval_prompts("test")])
    wanted = [prompt.request for prompt in itertools.islice(known, trial.count)]
    file.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    begun = time.monotonic()
    events = finished(command(file, folder / "undisturbed", trial.options))
    alone = time.monotonic() - begun
    moments = random.Random(trial.seed)
    killed = [
        run_and_kill(
            command(file, folder / "killed", trial.options), moments, 2 * events // trial.kills
        )
        for _ in range(trial.kills)
    ]
    finished(command(file, folder / "killed", trial.options))
    again = [row["attempts"] for row in rows(folder / "killed")]
    return {
        "requests": trial.count,
        "options": " ".join(trial.options),
        "seed of the moments": trial.seed,
        "seconds undisturbed": round(alone, 1),
        "killed": {what: killed.count(what) for what in sorted(set(killed))},
        "rows begun more than once": sum(number > 1 for number in again),
        **compared(folder / "undisturbed", folder / "killed"),
    }


def command(file: Path, out: Path, options: tuple[str, ...]) -> list[str]:
    """What is typed."""
    return [sys.executable, "-m", "limner", "batch", str(file), "--out", str(out), *options]


def finished(typed: list[str]) -> int:
    """Run it to its end, and say how much happened; rows may fall short, but it must not break."""
    done = subprocess.run([*typed, "--json-events"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(typed)} ended with {done.returncode}: {done.stderr}")
    return done.stdout.count("\n")


def run_and_kill(typed: list[str], moments: random.Random, most: int) -> str:
    """Begin it, and kill the command, its workers, or all of them at a random moment.

    One in four is killed in its first second, before it has told anything; the others at a moment
    after any of the first `most` events, so that a slow machine is hit in its work, too.
    """
    what = moments.choice(["command", "worker", "both"])
    events = moments.choice([0, *[moments.randrange(1, most + 1)] * 3])
    wait = moments.uniform(0, 0.05 if events else 1.0)
    process = subprocess.Popen(
        [*typed, "--json-events"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    with process.stdout as lines:
        told = sum(1 for _ in itertools.islice(lines, events))
        time.sleep(wait)
        over = process.poll() is not None or told < events
        workers = children(process.pid)
        if what != "command":
            end(workers)
        if what != "worker" or not workers:
            end([process.pid])
        time.sleep(moments.uniform(0, 0.5))  # what is left goes on meanwhile, or takes its leave
        end([process.pid])
    process.wait()
    return "over before" if over else what


def children(pid: int) -> list[int]:
    """The workers that a command has begun."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        if int(status.rpartition(")")[2].split()[1]) == pid:
            found.append(int(folder.name))
    return found


def end(pids: list[int]) -> None:
    """SIGKILL, which nothing can catch."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def compared(one: Path, other: Path) -> dict[str, Any]:
    """Whether two batches ended the same: each line of the manifest, each byte of each picture."""
    lines = [manifest(folder) for folder in (one, other)]
    pictures = [
        {path.name: path.read_bytes() for path in (folder / "pictures").iterdir()}
        for folder in (one, other)
    ]
    same = sum(pictures[1].get(name) == content for name, content in pictures[0].items())
    return {
        "rows": [len(found) for found in lines],
        "rows alike": sum(a == b for a, b in zip(*lines, strict=False)),
        "pictures": [len(found) for found in pictures],
        "pictures alike": same,
        "the same": lines[0] == lines[1] and pictures[0] == pictures[1],
    }


def manifest(folder: Path) -> list[dict[str, Any]]:
    """A manifest without what may differ."""
    return [{key: row[key] for key in row if key not in DIFFERS} for row in rows(folder)]


def rows(folder: Path) -> list[dict[str, Any]]:
    """A manifest, line by line."""
    text = (folder / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
