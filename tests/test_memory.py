"""What is remembered by name, and what is forgotten to make room."""

from __future__ import annotations

from limner.agent.tools.recently_used import RecentlyUsed


def test_what_nobody_asked_for_longest_is_forgotten() -> None:
    memory: RecentlyUsed[int] = RecentlyUsed(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    assert memory.find("a") == 1
    memory.keep("c", 3)
    assert memory.find("b") is None
    assert memory.names() == ["a", "c"] and memory.all() == [1, 3]
    memory.keep("a", 4)
    assert memory.names() == ["c", "a"] and memory.find("a") == 4


def test_weight_counts_and_the_latest_stays_however_heavy() -> None:
    memory = RecentlyUsed(10, weigh=len)
    for name in "abc":
        memory.keep(name, name.encode() * 4)
    assert memory.names() == ["b", "c"]
    memory.keep("d", b"x" * 100)
    assert memory.names() == ["d"] and memory.find("d") == b"x" * 100
