"""The words that the pocket painter and critic read: a CLIP tokenizer grown from their captions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.captions import describe
from limner.pipelines.pocket.scene import random_spec
from limner.pipelines.pocket.world import MOST, world

if TYPE_CHECKING:
    from tokenizers import Regex
    from transformers import CLIPTokenizer

LENGTH = 64
START, END = "<|startoftext|>", "<|endoftext|>"


@cache
def all_statements() -> tuple[str, ...]:
    """Every statement that can be made of a scene, each once, in a fixed order."""
    names = list(world().things)
    found = dict.fromkeys([*statements.wheres(), *statements.lights(), *statements.styles()])
    for name in names:
        found |= dict.fromkeys(statements.counts(name))
        for count in (1, MOST):
            for kind in (statements.colours, statements.sizes, statements.places):
                found |= dict.fromkeys(kind(name, count))
        for other in names:
            if other != name:
                found |= dict.fromkeys(statements.relations(name, other))
    return tuple(found)


def grow_tokenizer(out: Path, size: int = 1400, seed: int = 0) -> CLIPTokenizer:
    """Train a byte-pair vocabulary on captions and statements, and save it as a CLIP tokenizer."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    chance = Random(seed)
    # Statements of relations are many and alike: a few of them teach all of their words.
    corpus = [describe(random_spec(chance), chance) for _ in range(20_000)]
    corpus += list(all_statements()[:3000]) * 2
    corpus += [s for noun in world().things.values() for s in noun.synonyms] * 20
    grown = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    grown.normalizer = normalizers.Lowercase()
    split = pre_tokenizers.Split(_pattern(), "removed", invert=True)
    grown.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    grown.train_from_iterator(corpus, trainer)
    vocabulary = grown.get_vocab()
    # Any single byte may end a word, even where no caption does.
    for letter in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary.setdefault(f"{letter}</w>", len(vocabulary))
    tokenizer = CLIPTokenizer(
        vocab=vocabulary, merges=_merges(grown), model_max_length=LENGTH, pad_token=END
    )
    tokenizer.save_pretrained(out)
    return tokenizer


def _pattern() -> Regex:
    from tokenizers import Regex

    return Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def _merges(grown: object) -> list[tuple[str, str]]:
    import json

    model = json.loads(grown.to_str())["model"]  # type: ignore[attr-defined]
    return [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
