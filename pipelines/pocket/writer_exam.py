"""Examines the pocket writer on requests that it has never seen, and says where it falls short."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.language.brief_json import broken, spec_of
from limner.pipelines.pocket.language.dialogues import Dialogue, dialogue
from limner.pipelines.pocket.language.says import unsaid
from limner.pipelines.pocket.language.wish import Taste
from limner.pipelines.pocket.writer_held import held_answers, whole_share

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

KEYS = ["things", "relations", "where", "light", "style", "avoid", "prompt", "reply"]
EN, ZH = "english", "chinese"
# Name of the paper: kind of dialogue, how it is drawn, and the share that must be right.
PAPERS: dict[str, tuple[str, Taste, float]] = {
    "wish, English": ("expand", Taste(EN), 0.98),
    "wish, Chinese": ("expand", Taste(ZH), 0.98),
    "wish, English, new wordings": ("expand", Taste(EN, exam=True), 0.98),
    "wish, Chinese, new wordings": ("expand", Taste(ZH, exam=True), 0.98),
    "wish, English, new colours": ("expand", Taste(EN, pairs=True), 0.98),
    "wish, Chinese, new colours": ("expand", Taste(ZH, pairs=True), 0.98),
    "wish, English, unknown things": ("expand", Taste(EN, strangers=True), 0.0),
    "wish, Chinese, unknown things": ("expand", Taste(ZH, strangers=True), 0.0),
    "change, English": ("edit", Taste(EN), 0.95),
    "change, Chinese": ("edit", Taste(ZH), 0.95),
    "change, English, new wordings": ("edit", Taste(EN, exam=True), 0.95),
    "change, Chinese, new wordings": ("edit", Taste(ZH, exam=True), 0.95),
    "rewording": ("revise", Taste(EN), 0.98),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How one paper went, each as a share of its dialogues.

    `valid`: the answer is JSON of the right form; `kept`: the brief holds what was said (an edit:
    and nothing else changed); `prompt`: the prompt says what the brief says; `language`: the reply
    is in the user's language; `wrong`: examples.
    """

    paper: str
    count: int
    valid: float
    kept: float
    prompt: float
    language: float
    gate: float
    wrong: tuple[tuple[str, str, str], ...]

    @property
    def passed(self) -> bool:
        """Whether the gate is met: all forms valid, and enough kept."""
        return self.valid == 1.0 and self.kept >= self.gate


@dataclass(frozen=True, slots=True)
class Results:
    """The marks of all papers; `held` is the share of whole answers under a grammar, or None."""

    marks: tuple[Mark, ...]
    held: float | None = None

    def dumps(self) -> str:
        """As JSON."""
        rows = [asdict(mark) | {"passed": mark.passed} for mark in self.marks]
        return json.dumps({"papers": rows, "held": self.held}, ensure_ascii=False, indent=1)


def examine(
    folder: Path, count: int, device: str, seed: int = 777, batch: int = 64, held: int = 0
) -> Results:
    """Let the writer in a folder answer `count` dialogues of each paper, freely and greedily.

    `held` more are answered under the grammar of a brief.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).float().to(device).eval()
    marks = []
    for paper, (kind, taste, gate) in PAPERS.items():
        asked = [dialogue(Random(f"{seed}:{paper}:{n}"), kind, taste) for n in range(count)]
        answers = answered(model, tokenizer, [d.human for d in asked], batch)
        marks.append(marked(paper, gate, asked, answers))
    if not held:
        return Results(tuple(marks))
    asked = [dialogue(Random(f"{seed}:held:{n}")) for n in range(held)]
    return Results(tuple(marks), whole_share(held_answers(model, tokenizer, asked)))


def answered(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, humans: Sequence[str], batch: int
) -> list[str]:
    """What the writer answers to each human text: the likeliest token each time."""
    import torch

    order = sorted(range(len(humans)), key=lambda n: len(humans[n]))
    answers = [""] * len(humans)
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        talks = [[{"role": "user", "content": humans[n]}] for n in chosen]
        given = tokenizer.apply_chat_template(
            talks,
            add_generation_prompt=True,
            padding=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,
        ).to(model.device)
        with torch.inference_mode():
            told: Any = model.generate(**given, max_new_tokens=300, do_sample=False)
        for number, ids in zip(chosen, told[:, given["input_ids"].shape[1] :], strict=True):
            answers[number] = str(tokenizer.decode(ids, skip_special_tokens=True))
    return answers


def marked(paper: str, gate: float, asked: Sequence[Dialogue], answers: Sequence[str]) -> Mark:
    """Hold answers against what was said."""
    faults = [faults_of(one, answer) for one, answer in zip(asked, answers, strict=True)]
    count = len(asked)
    share = Counter(kind for found in faults for kind in set(found))
    wrong = [
        (one.human, answer, "; ".join(f"{k}: {v}" for k, v in found.items()))
        for one, answer, found in zip(asked, answers, faults, strict=True)
        if found
    ]
    right = {kind: 1 - share[kind] / count for kind in ("valid", "kept", "prompt", "language")}
    return Mark(paper, count, **right, gate=gate, wrong=tuple(wrong[:12]))


def faults_of(one: Dialogue, answer: str) -> dict[str, str]:
    """What is wrong with an answer, by kind: valid, kept, prompt, language."""
    try:
        told = json.loads(answer)
        form = ["prompt", "reply"] if one.kind == "revise" else KEYS
        if list(told) != form or not isinstance(told["prompt"], str):
            raise ValueError("other keys")
        spec = one.spec if one.kind == "revise" else spec_of(told)
    except (ValueError, KeyError, TypeError) as error:
        return dict.fromkeys(("valid", "kept", "prompt", "language"), str(error)[:80])
    missed = unsaid(told["prompt"], spec)
    lost = missed if one.kind == "revise" else broken(one.facts, told)
    found = {"prompt": ", ".join(missed), "kept": ", ".join(lost)}
    chinese = any("一" <= c <= "鿿" for c in told["reply"])
    found["language"] = "" if chinese == (one.language == ZH) else "other"
    return {kind: fault for kind, fault in found.items() if fault}


def table(results: Results) -> str:
    """The marks as lines that a person can read."""
    head = f"{'paper':32} {'n':>5} {'JSON':>6} {'kept':>6} {'prompt':>6} {'reply':>6}  gate"
    lines = [head]
    for m in results.marks:
        verdict = "-" if not m.gate else f"{m.gate:.2f} {'met' if m.passed else 'MISSED'}"
        shares = " ".join(f"{share:6.3f}" for share in (m.valid, m.kept, m.prompt, m.language))
        lines.append(f"{m.paper:32} {m.count:5d} {shares}  {verdict}")
    if results.held is not None:
        lines.append(f"whole answers under the grammar: {results.held:.3f}")
    return "\n".join(lines)
