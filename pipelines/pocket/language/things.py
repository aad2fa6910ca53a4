"""Changes to which things there are and how they stand to each other, as people ask for them."""

from __future__ import annotations

from typing import Any

from limner.pipelines.pocket.language import chinese, english, replies
from limner.pipelines.pocket.language.desk import Change, Desk, noun
from limner.pipelines.pocket.language.lexicon import Saying, article, call, outsider, pick, table
from limner.pipelines.pocket.language.wish import Wish, paint, shunned_words
from limner.pipelines.pocket.spec import Group, Link, held_out, link_held_out
from limner.pipelines.pocket.world import MOST, NUMBERS, world


def add(desk: Desk) -> Change | None:
    """One more kind of thing, perhaps at a place or beside another thing."""
    draft, chance = desk.draft, desk.chance
    saying = _new_saying(desk)
    if not saying:
        return None
    if draft.room < 1:
        return _too_many(desk, saying)
    colour = paint(saying.name, chance, desk.taste) if chance.random() < 0.3 else ""
    size = chance.choice(list(world().sizes)) if chance.random() < 0.15 else ""
    count = 2 if draft.room > 1 and chance.random() < 0.15 else 1
    group = Group(saying.name, count, colour, size)
    wish = Wish([group], {saying.name: saying})
    how = _beside(desk, group) if chance.random() < 0.3 else None
    if not how and chance.random() < 0.4:
        group = Group(saying.name, count, colour, size, chance.choice(list(world().places)))
        wish.groups = [group]
    text = _new_thing(desk, wish, how)
    draft.add(group)
    if how:
        draft.relate(how)
    if desk.english:
        told = f"{replies.phrase(group)} added"
        return text, f"{told} (I can't paint {_a(saying)} yet)" if saying.outside else told
    told = f"加上{replies.chinese_phrase(group)}"
    return text, f"{saying.text}我还不会画，{told}代替" if saying.outside else told


def another(desk: Desk) -> Change | None:
    """One more of a kind."""
    group = desk.one()
    if desk.draft.room < 1:
        return None
    desk.draft.change(group.name, count=group.count + 1)
    saying = call(group.name, desk.taste.language, desk.chance, 0.8)
    return desk.frame("another", m=saying.text, q=saying.measure), _counted(
        desk, group, group.count + 1
    )


def recount(desk: Desk) -> Change | None:
    """Another number of a kind."""
    group = desk.one()
    most = group.count + desk.draft.room
    choices = [n for n in range(1, most + 1) if n != group.count]
    if not choices:
        return None
    count = desk.chance.choice(choices)
    desk.draft.change(group.name, count=count)
    saying = call(group.name, desk.taste.language, desk.chance, 0.8)
    number = pick(desk.chance, (NUMBERS[count], NUMBERS[count], str(count)))
    if not desk.english:
        number = pick(desk.chance, (replies.COUNTS[count],) * 3 + (str(count),))
    noun = saying.plural if count > 1 else saying.text
    text = desk.frame("count", k=number, ms=noun, m=saying.text, q=saying.measure)
    return text, _counted(desk, group, count)


def remove(desk: Desk) -> Change | None:
    """Away with a thing; it is then unwanted."""
    group = desk.chance.choice(desk.draft.groups)
    text = desk.frame("remove", n=desk.the(group, 0.0), m=noun(desk, group))
    if len(desk.draft.groups) < 2:
        return _emptied(desk, group, text)
    desk.draft.remove(group.name)
    return text, f"no more {_bare(desk, group)}" if desk.english else f"去掉{desk.plain(group)}"


def _emptied(desk: Desk, group: Group, text: str) -> Change | None:
    """The only thing is not wanted: a tree stands where it was, or a house in a tree's place."""
    if desk.chance.random() < 0.5:
        return None
    other = Group("house" if group.name == "tree" else "tree")
    desk.draft.remove(group.name)
    desk.draft.add(other)
    desk.closed = True
    if desk.english:
        return text, f"{replies.phrase(other)} instead, so that the picture is not empty"
    return text, f"画面不能空着，换成{replies.chinese_phrase(other)}"


def refuse(desk: Desk) -> Change | None:
    """Something that is not there is unwanted, too."""
    taken = {g.name for g in desk.draft.groups} | set(desk.draft.avoid)
    if desk.chance.random() < 0.25:
        word = desk.chance.choice(shunned_words(desk.taste.language)).removeprefix("any ")
        told = f"no {word}" if desk.english else f"不画{word}"
        return desk.frame("avoid", u=word), told
    name = desk.chance.choice([n for n in world().things if n not in taken])
    speak = english if desk.english else chinese
    word = speak.unwanted_word(name, desk.chance)
    desk.draft.refuse(name)
    if desk.english:
        return desk.frame("avoid", u=word), f"no {world().things[name].plural}"
    return desk.frame("avoid", u=word), f"不画{world().things[name].chinese}"


def replace_thing(desk: Desk) -> Change | None:
    """Another thing in the stead of one, with the same looks."""
    group, saying = desk.one(), _new_saying(desk)
    if not saying or held_out(saying.name, group.colour):
        return None
    links = desk.draft.copy()
    links.rename(group.name, saying.name)
    if any(link_held_out(k) for k in links.links):
        return None
    alone = len(desk.draft.groups) == 1 and desk.chance.random() < 0.35
    new = _new_words(desk, saying, group.count)
    text = desk.frame("replace_it" if alone else "replace", n=desk.the(group, 0.15), x=new)
    desk.draft.rename(group.name, saying.name)
    noun = world().things[saying.name]
    if desk.english:
        told = f"{noun.counted(group.count)} instead of {desk.plain(group).removeprefix('the ')}"
        return text, f"{told} (I can't paint {_a(saying)} yet)" if saying.outside else told
    told = f"把{desk.plain(group)}换成{noun.chinese}"
    return text, f"{saying.text}我还不会画，先{told}" if saying.outside else told


def swap(desk: Desk) -> Change | None:
    """Two things change places."""
    draft = desk.draft
    if len(draft.groups) != 2:
        return None
    one, other = draft.groups
    sideways = {one.place, other.place} & {"left", "right"} or draft.links
    turned = [Link(k.other, k.how, k.thing) for k in draft.links]
    if not sideways or any(link_held_out(k) for k in turned):
        return None
    draft.swap(one.name, other.name)
    text = desk.frame("swap", n=desk.the(one), o=desk.the(other))
    if desk.english:
        return text, f"{desk.plain(one)} and {desk.plain(other)} swapped"
    return text, f"{desk.plain(one)}和{desk.plain(other)}换了位置"


def relate(desk: Desk) -> Change | None:
    """One thing as seen from another."""
    if len(desk.draft.groups) < 2:
        return None
    one, other = desk.chance.sample(desk.draft.groups, 2)
    link = Link(one.name, desk.chance.choice(list(world().relations)), other.name)
    if link_held_out(link) or link in desk.draft.links:
        return None
    how = pick(desk.chance, table("edits")[desk.taste.language]["how"][link.how])
    text = desk.frame("relate", n=desk.the(one), o=desk.the(other), h=how)
    desk.draft.relate(link)
    if desk.english:
        way = replies.RELATION.get(link.how, link.how)
        return text, f"{desk.plain(one)} {way} {desk.plain(other)}"
    return text, f"{desk.plain(one)}在{desk.plain(other)}的{world().relations[link.how].chinese}"


def _bare(desk: Desk, group: Group) -> str:
    return world().things[group.name].counted(group.count)


def _a(saying: Saying) -> str:
    return f"{article(saying.text)} {saying.text}"


def _counted(desk: Desk, group: Group, count: int) -> str:
    noun = world().things[group.name]
    if desk.english:
        return f"{NUMBERS[count]} {noun.counted(count)} now"
    return f"现在是{replies.COUNTS[count]}{noun.measure}{noun.chinese}"


def _new_saying(desk: Desk) -> Saying | None:
    """A thing that is not in the picture yet, or a word for what the world lacks."""
    if desk.chance.random() < (0.5 if desk.taste.strangers else 0.14):
        saying = outsider(desk.taste.language, desk.chance, desk.taste.strangers)
    else:
        saying = call(desk.chance.choice(list(world().things)), desk.taste.language, desk.chance)
    return None if saying.name in {g.name for g in desk.draft.groups} else saying


def _new_words(desk: Desk, saying: Saying, count: int) -> str:
    if desk.english:
        return saying.plural if count > 1 else _a(saying)
    return (
        saying.text
        if count > 1 or desk.chance.random() < 0.6
        else f"一{saying.measure}{saying.text}"
    )


def _new_thing(desk: Desk, wish: Wish, how: Link | None) -> str:
    speak: Any = english if desk.english else chinese
    words = speak.phrase(wish.groups[0], wish, desk.chance)
    place = wish.groups[0].place
    if not desk.english and place:
        return pick(desk.chance, ("在{p}加{x}", "{p}加{x}", "{p}再加{x}", "{p}放{x}")).format(
            p=desk.words("places", place), x=words
        )
    if how:
        other = desk.the(next(g for g in desk.draft.groups if g.name == how.other), 0.2)
        side = pick(desk.chance, table("edits")[desk.taste.language]["how"][how.how])
        if desk.english:
            return desk.frame("add", x=f"{words} {side} {other}")
        return pick(desk.chance, ("在{o}{h}加{x}", "{o}的{h}再加{x}", "{o}{h}画{x}")).format(
            o=other, h=side, x=words
        )
    return desk.frame("add", x=words)


def _beside(desk: Desk, group: Group) -> Link | None:
    other = desk.one().name
    link = Link(group.name, desk.chance.choice(list(world().relations)), other)
    return None if link_held_out(link) else link


def _too_many(desk: Desk, saying: Saying) -> Change | None:
    if desk.chance.random() < 0.8:
        return None
    words = _a(saying) if desk.english else f"一{saying.measure}{saying.text}"
    told = (
        f"only {NUMBERS[MOST]} things fit, so I could not add one"
        if desk.english
        else "画面里最多放四样，加不下了"
    )
    return desk.frame("add", x=words), told
