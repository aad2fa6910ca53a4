"""Policies replayed on pictures that were painted once: what each gives, and what it spends."""

from __future__ import annotations

from pathlib import Path

import pytest
from benching import Slow, case, room
from PIL.Image import Image

from limner.benchmarks.policies import POLICIES, Policy, main, replayed, table
from limner.benchmarks.seen import Seen, Wish, read, watched
from limner.errors import BadInput


def seen(right: bool, mean: float, rough: float = 0.0, chance: float = 0.5) -> Seen:
    return Seen(right, (1, mean), True, chance, dict.fromkeys((4, 8, 12), (1, rough)))


def test_best_of_n_is_the_one_with_the_best_score() -> None:
    pictures = [seen(False, 0.6), seen(True, 0.9), seen(False, 0.7), seen(True, 0.95)]
    assert replayed(pictures, Policy(1, 1), 3, 20) == (pictures[1], 3)
    assert replayed(pictures, Policy(2, 2), 4, 20) == (pictures[3], 4)


def test_only_what_promises_most_is_painted_on() -> None:
    pictures = [seen(False, 0.99, 0.1), seen(True, 0.8, 0.9), seen(False, 0.7, 0.8)]
    best, spent = replayed(pictures, Policy(3, 1, 8), 2, 20)
    assert best == pictures[1]
    assert spent == pytest.approx(3 * 0.4 + 0.6)


def test_it_stops_when_it_is_sure_and_where_the_budget_ends() -> None:
    pictures = [seen(True, 0.9, chance=0.9), *[seen(False, 0.95)] * 15]
    assert replayed(pictures, Policy(1, 1, sure=0.8), 8, 20) == (pictures[0], 1)
    for budget in (1, 2, 3, 4, 5.5, 8):
        for policy in POLICIES:
            assert replayed(pictures, policy, budget, 20)[1] <= budget + 1e-9


def test_what_is_left_of_a_budget_begins_fewer() -> None:
    pictures = [seen(False, 0.5, 0.1 * n) for n in range(8)]
    _, spent = replayed(pictures, Policy(7, 2, 8), 3, 20)
    assert spent == pytest.approx(6 * 0.4 + 0.6)


def test_a_table_compares_with_best_of_n() -> None:
    pictures = tuple(seen(n == 5, 0.5 + (n == 5) / 4, n / 20) for n in range(16))
    lines = table([Wish("made/1", "made", 20, pictures)] * 2, 4).splitlines()
    assert lines[2].startswith("| 1 at a time | 0.250 | +0.0 ± 0.0 | 4.00 |")
    assert lines[-1].startswith("| the truth's choice | 0.250 |")


def test_what_was_painted_is_kept_and_not_painted_again(tmp_path: Path) -> None:
    path, painter = tmp_path / "wishes.jsonl", Slow()
    (wish,) = watched(room(painter), [case()], path, 5, 1)
    assert [len(one.glimpses) for one in wish.pictures] == [3] * 5
    assert not any(one.right for one in wish.pictures)
    assert list(watched(room(painter), [case()], path, 5, 1)) == read(path) == [wish]
    assert sum(painter.batches) == 5


def test_each_picture_is_judged_for_itself(tmp_path: Path) -> None:
    known: list[Image] = []

    def first(picture: Image) -> tuple[bool, ...]:
        known.append(picture)
        return (picture == known[0],)

    (wish,) = watched(room(), [case(first)], tmp_path / "wishes.jsonl", 9, 2)
    assert [one.right for one in wish.pictures] == [True, *[False] * 8]


def test_without_a_painting_there_is_nothing_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["policies", "--out", str(tmp_path)])
    with pytest.raises(BadInput, match="Nothing was painted"):
        main()
