"""Examines the pocket writer on lines that it has never seen, and says where it falls short."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.language.dialogues import KINDS, Dialogue, dialogue
from limner.pipelines.pocket.language.lexicon import LANGUAGES
from limner.pipelines.pocket.writer_held import held_answers, settled, whole_share

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

GATES = {"draw": 0.98, "turn": 0.95}
# Name of the paper: kind of dialogue, language, and whether its wordings are new.
PAPERS: dict[str, tuple[str, str, bool]] = {
    f"{kind}, {language}{', new wordings' if new else ''}": (kind, language, new)
    for kind in KINDS
    for language in LANGUAGES
    for new in (False, True)
}
FAULTS = ("form", "tool", "lost", "added", "quotes")


@dataclass(frozen=True, slots=True)
class Mark:
    """How one paper went, each as a share of its dialogues.

    `valid`: the answer is JSON of the right form; `tool`: the right tool is called; `kept`: nothing
    of what was said is lost; `clean`: nothing is added; `right`: both, with the very words quoted;
    `wrong`: examples.
    """

    paper: str
    count: int
    valid: float
    tool: float
    kept: float
    clean: float
    right: float
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

    `held` more are answered under the grammar of an answer.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).float().to(device).eval()
    marks = []
    for paper, (kind, language, new) in PAPERS.items():
        asked = [dialogue(Random(f"{seed}:{paper}:{n}"), kind, language, new) for n in range(count)]
        answers = answered(model, tokenizer, [d.human for d in asked], batch)
        marks.append(marked(paper, GATES[kind], asked, answers))
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
    wrong = [
        (one.human, answer, "; ".join(f"{k}: {v}" for k, v in found.items()))
        for one, answer, found in zip(asked, answers, faults, strict=True)
        if found
    ]
    share = Counter(fault for found in faults for fault in found)
    valid, tool, kept, clean, _ = (1 - share[fault] / len(asked) for fault in FAULTS)
    right = 1 - len(wrong) / len(asked)
    return Mark(paper, len(asked), valid, tool, kept, clean, right, gate, tuple(wrong[:12]))


def faults_of(one: Dialogue, answer: str) -> dict[str, str]:
    """What is wrong with an answer, by kind: form, tool, lost, added, quotes."""
    want = settled(json.loads(one.answer), one.stated)
    try:
        told = settled(json.loads(answer), one.stated)
        tool, said, quotes = _read(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return dict.fromkeys(FAULTS, str(error)[:80])
    wanted_tool, wanted, wanted_quotes = _read(want)
    found = {
        "tool": "" if tool == wanted_tool else tool,
        "lost": ", ".join((wanted - said).elements()),
        "added": ", ".join((said - wanted).elements()),
        "quotes": ", ".join((quotes - wanted_quotes).elements()),
    }
    return {fault: text for fault, text in found.items() if text}


def _read(told: dict[str, Any]) -> tuple[str, Counter[str], Counter[str]]:
    """The tool of an answer, what it does row by row, and the words that it quotes."""
    edit = told.get("then", told)
    rows = [*told.get("asked", []), *edit.get("add", []), *edit.get("change", [])]
    does = [" ".join(map(str, row[:-1])) for row in rows]
    does += [f"without {number}" for number in edit.get("remove", [])]
    does += [f"{key} {told[key]}" for key in ("request", "candidate", "version") if key in told]
    return (
        told["tool"] if "asked" not in told else "draw",
        Counter(does),
        Counter(r[-1] for r in rows),
    )


def table(results: Results) -> str:
    """The marks as lines that a person can read."""
    head = (
        f"{'paper':32} {'n':>5} {'JSON':>6} {'tool':>6} {'kept':>6} {'clean':>6} {'right':>6}  gate"
    )
    lines = [head]
    for m in results.marks:
        verdict = f"{m.gate:.2f} {'met' if m.passed else 'MISSED'}"
        shares = " ".join(f"{share:6.3f}" for share in (m.valid, m.tool, m.kept, m.clean, m.right))
        lines.append(f"{m.paper:32} {m.count:5d} {shares}  {verdict}")
    if results.held is not None:
        lines.append(f"whole answers under the grammar: {results.held:.3f}")
    return "\n".join(lines)
