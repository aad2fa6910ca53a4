"""Makes takes of what was painted: the critic sees what may be shown, and the rest is withheld."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

from limner.agent.events import Event, TakeReady
from limner.agent.looking.look import look, unseen
from limner.agent.records import Critique, Take
from limner.agent.run import Run
from limner.agent.search import Attempt
from limner.errors import Blocked
from limner.pipelines.roles import Critic, Painted
from limner.pipelines.safety import Guard, blank

__all__ = ["permit", "takes_of"]

_UNCHECKED = (
    "no picture was checked for what it should not show: there is no safety checker on this machine"
)


def permit(guard: Guard, run: Run, *texts: str) -> None:
    """Raises `Blocked` for words that the policy refuses, and notes what it flags."""
    found = guard.words(*texts)
    if found.outcome == "blocked":
        raise Blocked(f"This is not painted: {found.why}.", "Ask for something else.")
    if found.why:
        run.note(f"the request was flagged: {found.why}")


def takes_of(
    critic: Critic,
    guard: Guard,
    run: Run,
    attempts: Sequence[Attempt],
    pictures: Mapping[int, Painted],
    sketches: Mapping[int, Critique],
) -> Generator[Event, None, bool]:
    """Makes takes of the pictures; these and their sketches are known by their attempts' indices.

    Of a blocked one nothing is kept but its order. False when the critic failed.
    """
    found = dict(
        zip(pictures, guard.pictures([done.picture for done in pictures.values()]), strict=True)
    )
    run.note(_UNCHECKED if guard.mode != "off" and guard.check is None else "")
    free = [at for at in pictures if found[at].outcome != "blocked"]
    shown = {at: pictures[at].picture for at in free}
    critiques, failed = look(critic, [*shown.values()], run.claims, run.settings)
    run.note(failed if shown else "")
    seen = dict(zip(shown, critiques, strict=True))
    for at, done in pictures.items():
        number = run.first_number + len(run.takes)
        critique = seen.get(at) or unseen(run.claims, run.settings)
        if at in sketches:
            critique = replace(critique, sketch=sketches[at].probabilities)
        kept = done.picture if at in shown else blank(done.picture)
        brief, order = attempts[at].brief, attempts[at].order
        beside = done.company, done.gone
        take = Take(number, run.round, brief, order, kept, critique, found[at], *beside)
        run.takes.append(take)
        if found[at].why:
            run.note(f"take {number + 1} was {found[at].outcome}: {found[at].why}")
        yield TakeReady(take, best=run.best is take, spent=run.spent)
    return not failed or not run.claims
