"""The takes of a conversation: numbered from 1, in the runs that painted them, and finished."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from PIL.Image import Image

from limner.agent.finishing import finishing
from limner.agent.records import Result, Take
from limner.errors import BadInput
from limner.pipelines import finish
from limner.pipelines.finish import Finish

__all__ = ["Painted", "Reel", "Steps"]

Steps = tuple[tuple[Finish, ...], ...]
"""What was asked to be done to a finished picture, and in how many steps."""


@dataclass(slots=True)
class Painted:
    """One run of painting: the numbers of its takes, and how it ended; "" where nobody knows.

    `spent` counts image-equivalents.
    """

    numbers: list[int] = field(default_factory=list)
    ended: str = "cancelled"
    spent: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Reel:
    """All takes in the order they were painted, the runs they are of, and what finishes each.

    A take is finished in `steps`, one for each time it was asked for; those that were taken back
    wait in `undone`, the latest last.
    """

    takes: list[Take] = field(default_factory=list)
    runs: list[Painted] = field(default_factory=list)
    steps: dict[int, Steps] = field(default_factory=dict)
    undone: dict[int, Steps] = field(default_factory=dict)

    @property
    def painted(self) -> int:
        """How many runs came to a take."""
        return sum(1 for run in self.runs if run.numbers)

    def copy(self) -> Reel:
        """Another reel of the same takes: what is added to one is not in the other."""
        runs = [replace(run, numbers=[*run.numbers]) for run in self.runs]
        return Reel([*self.takes], runs, {**self.steps}, {**self.undone})

    def take(self, number: int) -> Take:
        """The take of that number, -1 for the last. Raises `BadInput` if there is no such take."""
        number = len(self.takes) if number == -1 else number
        if not 1 <= number <= len(self.takes):
            known = f"Takes: #1 to #{len(self.takes)}." if self.takes else "Say what to paint."
            raise BadInput(f"There is no take #{number}.", known)
        return self.takes[number - 1]

    def add(self, take: Take, spent: float) -> int:
        """Takes one more in, of the last run, which has `spent` so much; returns its number."""
        self.takes.append(take)
        self.runs[-1].numbers.append(len(self.takes))
        self.runs[-1].spent = spent
        return len(self.takes)

    def end(self, result: Result) -> None:
        """Notes how the last run ended."""
        run = self.runs[-1]
        run.ended, run.seconds, run.notes = result.ended, result.seconds, result.notes
        run.spent = result.spent

    def picture(self, number: int) -> Image:
        """A take as it stands: painted, then finished."""
        return finish.apply(self.take(number).picture, self.finishes(number))

    def finishes(self, number: int) -> tuple[Finish, ...]:
        """Everything that is done to a take after painting, in order."""
        return tuple(one for step in self.steps.get(number, ()) for one in step)

    def finish(self, number: int, words: str) -> tuple[Finish, ...]:
        """Finishes a take further ("brighter", "1024 by 768"); raises `BadInput` if it can't be."""
        more = finishing(words) or finish.parse(words)
        finish.apply(self.take(number).picture, (*self.finishes(number), *more))  # or says why not
        self.steps[number] = (*self.steps.get(number, ()), more)
        self.undone.pop(number, None)
        return more

    def unfinish(self, number: int) -> tuple[Finish, ...]:
        """Takes back the last step of a take's finishing, and returns it; () without one."""
        *before, last = self.steps.get(number, ()) or ((),)
        if last:
            self.steps[number] = tuple(before)
            self.undone[number] = (*self.undone.get(number, ()), last)
        return last

    def refinish(self, number: int) -> tuple[Finish, ...]:
        """Does again what `unfinish` took back, and returns it; () where nothing was."""
        *before, last = self.undone.get(number, ()) or ((),)
        if last:
            self.undone[number] = tuple(before)
            self.steps[number] = (*self.steps.get(number, ()), last)
        return last

    def result(self, number: int) -> Result:
        """A take as the best of its run."""
        run = next(run for run in self.runs if number in run.numbers)
        takes = tuple(self.takes[n - 1] for n in run.numbers)
        return Result(self.take(number), takes, run.ended, run.spent, run.seconds, run.notes)
