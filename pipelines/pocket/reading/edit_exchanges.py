"""Changes that put one thing, place or colour for another."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.change import MOST, Change
from limner.pipelines.pocket.reading.claims import row
from limner.pipelines.pocket.reading.edit_things import say_of_things
from limner.pipelines.pocket.reading.noun_phrases import Mention
from limner.pipelines.pocket.reading.patches import Unclear
from limner.pipelines.pocket.reading.replies import chinese_name

__all__ = ["exchange_things", "keep_only", "swap"]


def keep_only(change: Change) -> bool:
    """`only the cat`, `remove everything except the dog`, 只留猫."""
    named = [m for m in change.reading.mentions if m.subject]
    kept = [m for m in named if _kept(change, m)]
    if not kept:
        return False
    names = {change.held_of(m) for m in kept}
    if "" in names:
        return False
    change.topic = [n for n in change.held.subjects() if n in names]
    for subject in change.held.subjects():
        if subject not in names:
            change.patch.drop(change.held.about(subject))
    change.patch.heard = True
    for mention in kept:
        mention.denied = None
    say_of_things(change)
    return True


def _kept(change: Change, mention: Mention) -> bool:
    at = next((n for n, i in enumerate(change.items) if i.mention is mention), None)
    if at is None:
        return False
    if mention.count is not None and mention.determiner != "a":
        return False
    lead = change.items[max(0, at - 2) : at]
    if lead and lead[-1].is_("neg") and not lead[-1].is_("except"):
        return False
    if any(i.is_("only") for i in lead):
        return not change.has("set", "put") or change.has("keep")
    everything = change.has("remove", "post_neg") and any(i.is_("except") for i in change.items)
    return everything and bool(change.held_of(mention))


def swap(change: Change) -> bool:
    """`swap them`, `swap their colours`, 猫和狗换个位置."""
    if not change.has("swap") or not _swaps(change):
        return False
    named = [m for m in change.reading.mentions if m.subject and not m.denied]
    new = [m for m in named if not change.held_of(m)]
    if new and len(named) > 1:
        return False
    if len(named) == 1:
        raise Unclear("which_two")
    pair = _pair(change, named)
    if change.has("colours", "colour_of"):
        _swap_looks(change, pair, "colour")
    elif change.has("sizes"):
        _swap_looks(change, pair, "size")
    else:
        _swap_places(change, pair)
    return True


def _swaps(change: Change) -> bool:
    """Whether things, places or colours are named, or the whole phrase says enough."""
    if change.has("thing", "it", "them", "positions", "colours", "sizes", "colour_of"):
        return True
    return not any(i.is_("set", "unknown", "light") for i in change.items)


def _pair(change: Change, named: Sequence[Mention]) -> tuple[str, str]:
    subjects = list(dict.fromkeys(change.held_of(m) for m in named if change.held_of(m)))
    if len(subjects) == 2:
        return subjects[0], subjects[1]
    known = change.held.subjects()
    if len(known) != 2:
        raise Unclear("which_two" if len(known) > 2 else "no_pair")
    return known[0], known[1]


def _swap_looks(change: Change, pair: tuple[str, str], kind: str) -> None:
    values = [change.value_of(kind, subject) for subject in pair]
    if not any(values):
        raise Unclear("no_colours" if kind == "colour" else "no_sizes")
    change.patch.heard = True
    for subject, value in zip(pair, reversed(values), strict=True):
        old = change.held.numbers(kind, subject)
        if value:
            made = row(kind, subject, value, plural=change.held.count(subject) > 1)
            change.patch.put(made, change.whole(), old)
        else:
            change.patch.drop(old)


def _swap_places(change: Change, pair: tuple[str, str]) -> None:
    done = False
    for claim in change.held.claims:
        both = {claim["subject"], claim["object"]} == set(pair)
        if claim["kind"] == "relation" and both:
            made = row("relation", claim["object"], claim["value"], claim["subject"])
            change.patch.put(made, change.whole(), [int(claim["number"])])
            done = True
    if any(change.value_of("place", subject) for subject in pair):
        _swap_looks(change, pair, "place")
        done = True
    if not done:
        one, other = pair
        choices = [_beside(change, one, other), _beside(change, other, one)]
        if any(change.value_of("colour", s) for s in pair):
            choices.insert(0, "交换颜色" if change.chinese else "swap their colours")
        raise Unclear("no_places", choices)


def _beside(change: Change, one: str, other: str) -> str:
    if change.chinese:
        return f"把{change.name(one)}放在{change.name(other)}左边"
    return f"put {change.name(one)} left of {change.name(other)}"


def exchange_things(change: Change) -> bool:
    """`replace the cat with a dog`, `a dog instead of the cat`, 把猫换成狗."""
    old, new = _old_and_new(change)
    if old is None or new is None:
        return False
    subject = change.held_of(old)
    if not subject or new.subject == subject:
        return False
    if change.held_of(new):
        change.patch.drop(change.held.about(subject))
        change.topic = [change.held_of(new)]
        return True
    _replace(change, subject, old, new)
    return True


def _old_and_new(change: Change) -> tuple[Mention | None, Mention | None]:
    named = [m for m in change.reading.mentions if m.subject or m.pronoun]
    if len(named) == 1 and not named[0].pronoun:
        new = _new_alone(change, named[0])
        return (_old_alone(change), new) if new else (None, None)
    if len(named) != 2:
        return None, None
    first, second = named
    if bool(first.denied) != bool(second.denied):
        old, new = (first, second) if first.denied else (second, first)
        known = bool(new.subject and (change.held_of(old) or old.pronoun))
        return (old, new) if known else (None, None)
    if first.denied or change.reading.links:
        return None, None
    return _by_verb(change, first, second)


def _old_alone(change: Change) -> Mention | None:
    """What a thing named alone takes the place of: the only thing, or that last spoken of."""
    known = change.held.subjects()
    if not (change.has("instead") or (change.has("set", "but") and not change.has("add", "also"))):
        return None
    before = change.patch.gone or change.before
    subject = (before or known)[-1] if before or len(known) == 1 else ""
    if not subject and change.has("instead", "set"):
        names = [chinese_name(s) if change.chinese else s for s in known]
        raise Unclear("instead_of_which", names)
    return Mention(subject, *change.span(), determiner="the") if subject else None


def _new_alone(change: Change, mention: Mention) -> Mention | None:
    fresh = not change.held_of(mention) and not mention.denied
    return mention if fresh and mention.determiner not in ("the", "more") else None


def _by_verb(
    change: Change, first: Mention, second: Mention
) -> tuple[Mention | None, Mention | None]:
    between = change.items_between(first, second)
    if any(i.is_("instead_of") for i in between):
        return second, first
    fits = change.held_of(first) or (first.pronoun == "it" and not change.held_of(second))
    other = second.subject != first.subject and second.determiner not in ("the", "more")
    joined = any(i.is_("and", "or", "comma", "with") and not i.is_("to") for i in between)
    verb = change.has("replace", "swap") or any(i.is_("to", "set") for i in between)
    straight = change.has("set", "want") or any(i.is_("be") for i in between)
    if fits and other and not joined and (verb or straight):
        return _known(change, first), second
    return None, None


def _known(change: Change, mention: Mention) -> Mention:
    if not mention.subject:
        mention.subject = change.targets(mention)[0]
    return mention


def _replace(change: Change, subject: str, old: Mention, new: Mention) -> None:
    """The new thing stands where the old one stood; its looks are its own."""
    count = _new_count(change, subject, new)
    quote = change.text[new.start : new.end]
    made = row("count", new.subject, str(count))
    if new.count is None and (new.quantity or (new.plural and count == 1)):
        made, count = row("object", new.subject, "several"), 2
    change.patch.put(made, quote, change.count_numbers(subject))
    for number in change.held.about(subject):
        claim = change.held.claim(number)
        if number in change.patch.change:
            continue
        if claim["kind"] in ("place", "relation") and claim["subject"] == subject:
            _retold(change, number, new.subject, str(claim["object"]), quote, count)
        elif claim["kind"] == "relation":
            _retold(change, number, str(claim["subject"]), new.subject, quote, 1)
        else:
            change.patch.drop([number])
    change.drop_absent(new.subject)
    change.topic = [new.subject]
    change.put_looks(new, new.subject, count)


def _new_count(change: Change, subject: str, new: Mention) -> int:
    if new.count is not None:
        return min(new.count, MOST)
    return change.held.count(subject) if new.plural or new.chinese else 1


def _retold(change: Change, number: int, subject: str, other: str, quote: str, count: int) -> None:
    claim = change.held.claim(number)
    if other == subject:
        change.patch.drop([number])
        return
    made = row(claim["kind"], subject, claim["value"], other, count > 1)
    change.patch.put(made, quote, [number])
