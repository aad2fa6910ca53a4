"""What other ways of spending a budget would have returned, from pictures that were painted once.

`python -m benchmarks.policies --paint --only 100` paints 16 seeds of each of so many development
prompts, and shows for each policy what it would have handed over, over all rotations of the seeds.
Without `--paint` it shows that of an earlier run. What is chosen here is measured elsewhere: by
`limner bench`, on other prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.benchmarks.seen import Score, Seen, Wish, read, watched

NEVER = 2.0
"""A chance that nothing reaches: who waits for it spends all."""
SEEDS = 16


@dataclass(frozen=True, slots=True)
class Policy:
    """Rounds in which so many are `begun`, looked at after `steps`, and so many painted on.

    Where `begun` is as many as are `kept`, all are painted to their end. It stops once every claim
    holds with the chance `sure`, or where the budget does not pay for another round.
    """

    begun: int
    kept: int
    steps: int = 0
    sure: float = NEVER

    def __str__(self) -> str:
        """In words."""
        rounds = f"{self.begun} at a time"
        if self.begun > self.kept:
            rounds = f"{self.begun} begun, after {self.steps} steps {self.kept} kept"
        return rounds + (f", until {self.sure:g}" if self.sure < NEVER else "")


ONE_BY_ONE = Policy(1, 1)
POLICIES = [
    ONE_BY_ONE,
    *(Policy(2, 2, sure=sure) for sure in (0.8, 0.95)),
    *(Policy(n, k, s) for s in (4, 8, 12) for n, k in ((4, 1), (6, 2), (7, 1), (7, 2), (8, 2))),
    *(Policy(n, k, 8) for n, k in ((14, 2), (14, 4), (16, 2), (12, 3))),
    *(Policy(7, 2, 8, sure) for sure in (0.5, 0.8, 0.9, 0.95)),
]


def main() -> None:
    """Paint if asked to, and print a table for each budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paint", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("bench-policies"))
    parser.add_argument("--only", type=int, default=0, help="so many prompts, spread; 0: all")
    parser.add_argument("--part", type=int, default=0, help="which of them: 0, 1, ... of a spread")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--every", type=int, default=4, help="steps from glimpse to glimpse")
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 8])
    given = parser.parse_args()
    path = given.out / "wishes.jsonl"
    if given.paint:
        _paint(path, given)
    wishes = read(path)
    for budget in given.budgets:
        print(f"\n{len(wishes)} prompts, a budget of {budget}\n\n{table(wishes, budget)}")


def replayed(
    pictures: Sequence[Seen], policy: Policy, budget: float, of: int
) -> tuple[Seen, float]:
    """The picture that a policy hands over, and what it spends; the seeds come as they stand."""
    best: Seen | None = None
    spent, at = 0.0, 0
    while (plan := _round(policy, budget - spent, of)) and at + plan[0] <= len(pictures):
        (begun, kept), rough = plan, policy.steps / of
        here = list(pictures[at : at + begun])
        spent += begun * rough + kept * (1 - rough) if begun > kept else kept
        at += begun
        if begun > kept:
            here = sorted(here, key=lambda one: one.glimpses[policy.steps], reverse=True)[:kept]
        best = max(
            [best, *here] if best else here, key=lambda one: _liked(one, begun > kept, policy)
        )
        if best.holds and best.chance >= policy.sure:
            break
    assert best
    return best, spent


def table(wishes: Sequence[Wish], budget: int) -> str:
    """How often each policy is right, and by how much more than best-of-N, in points."""
    usual, _ = _rates(wishes, ONE_BY_ONE, budget)
    lines = ["| policy | all right | over best-of-N | spent |", "|---|---|---|---|"]
    for policy in POLICIES:
        right, spent = _rates(wishes, policy, budget)
        gain = 100 * (right - usual)
        error = gain.std(ddof=1) / len(gain) ** 0.5
        lines.append(
            f"| {policy} | {right.mean():.3f} | {gain.mean():+.1f} ± {error:.1f} | {spent:.2f} |"
        )
    best = np.mean([_ceiling(wish, budget) for wish in wishes])
    return "\n".join([*lines, f"| the truth's choice | {best:.3f} | | {budget:.2f} |"])


def _liked(one: Seen, sketched: bool, policy: Policy) -> Score:
    """As `Critique.score` compares takes: by both looks where there were two."""
    holds, mean = one.score
    return holds, (mean + one.glimpses[policy.steps][1]) / 2 if sketched else mean


def _rates(
    wishes: Sequence[Wish], policy: Policy, budget: int
) -> tuple[NDArray[np.float64], float]:
    """For each wish, how often the policy is right over all rotations; and the mean spent."""
    right, spent = [], []
    for wish in wishes:
        ends = [replayed(turned, policy, budget, wish.steps) for turned in _turns(wish)]
        right.append(np.mean([one.right for one, _ in ends]))
        spent.append(np.mean([cost for _, cost in ends]))
    return np.array(right), float(np.mean(spent))


def _turns(wish: Wish) -> Iterator[tuple[Seen, ...]]:
    for at in range(len(wish.pictures)):
        yield wish.pictures[at:] + wish.pictures[:at]


def _ceiling(wish: Wish, budget: int) -> float:
    return float(np.mean([any(one.right for one in turned[:budget]) for turned in _turns(wish)]))


def _round(policy: Policy, left: float, of: int) -> tuple[int, int] | None:
    """How many are begun and kept in a round that the rest of the budget pays for."""
    left += 1e-6
    if policy.begun == policy.kept:
        count = min(policy.begun, int(left))
        return (count, count) if count else None
    rough = policy.steps / of
    kept = min(policy.kept, max(1, int(left / 2)), int(left))
    begun = min(policy.begun, int((left - kept * (1 - rough)) / rough))
    return ((begun, kept) if begun > kept else (kept, kept)) if kept else None


def _paint(path: Path, given: argparse.Namespace) -> None:
    from limner.agent.studio import Studio
    from limner.benchmarks.arms import Room
    from limner.benchmarks.cases import world_cases

    cases = world_cases("development")
    spread = max(1, len(cases) // given.only) if given.only else 1
    few = cases[given.part :: spread][: given.only or None]
    room = Room(Studio.open("pocket"))
    for number, _ in enumerate(watched(room, few, path, given.seeds, given.every), start=1):
        print(f"{number} of {len(few)}", end="\r", flush=True)


if __name__ == "__main__":
    main()
