"""The pocket writer's tokens: bytes, common pieces of words, and the fixed parts of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, USER, WRITER, END = "<|pad|>", "<|user|>", "<|writer|>", "<|end|>"
SPECIAL = (PAD, USER, WRITER, END)
KINDS = (
    "object", "count", "colour", "size", "attribute", "place", "relation", "action",
    "text", "scene", "light", "style", "absent", "other",
)  # fmt: skip
BARE = ("text", "scene", "light", "style", "other")  # these are said of no thing in particular
STARTS = tuple(f'"{kind}","' + ('","' if kind in BARE else "") for kind in KINDS)
# What every answer repeats: one token each. Each begins where a grammar leaves a choice or spans
# exactly what it forces; llguidance refuses all others.
SKELETON = (
    '{"asked":[',
    *(f"[{start}" for start in STARTS),
    *(f'"],[{start}' for start in STARTS),
    *(f",{start}" for start in STARTS),
    '","', '","","', '","","","', '"]]}', "]}",
    '{"tool":"', 'edit","add":[', '"]],"remove":[', '],"remove":[', '],"change":[', '"],[',
    '"]]}}', "]}}",
    'draw","request":"', '"}', 'select","candidate":', ',"then":{"tool":"', 'back_to","version":',
    'undo"}', 'redo"}', 'adjust"}', 'save"}', 'answer"}', 'ask"}',
)  # fmt: skip
TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}" + USER + "{{ message['content'] }}"
    "{%- elif message['role'] == 'assistant' -%}" + WRITER + "{{ message['content'] }}" + END + ""
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}" + WRITER + "{%- endif -%}"
)


def learn_tokens(texts: Iterable[str], vocabulary: int = 4096) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of at most so many tokens, learned from dialogues."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    plain: Any = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex("[，。、！？：；～,.!?;:]"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SKELETON),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=14,
        show_progress=False,
    )
    pieces = re.compile("|".join(map(re.escape, sorted(SKELETON, key=len, reverse=True))))
    plain.train_from_iterator((part for text in texts for part in pieces.split(text)), trainer)
    plain.add_tokens([AddedToken(piece, normalized=False) for piece in SKELETON])
    return wrapped(plain)


def known_tokens(path: Path) -> PreTrainedTokenizerFast:
    """The tokenizer that was learned before."""
    from tokenizers import Tokenizer

    return wrapped(Tokenizer.from_file(str(path)))


def wrapped(plain: Any) -> PreTrainedTokenizerFast:
    """A bare tokenizer with the roles of its special tokens and the chat template."""
    from transformers import PreTrainedTokenizerFast

    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast(
        tokenizer_object=plain,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[USER, WRITER],
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_max_length=512,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
