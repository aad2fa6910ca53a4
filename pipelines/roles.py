"""The three seams: what a writer, a painter and a critic must be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from PIL.Image import Image

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel as Writer
else:
    Writer = object

__all__ = [
    "Critic",
    "GeneratedImage",
    "ImageRequest",
    "ImageStream",
    "InitImage",
    "Painter",
    "PainterSpec",
    "Statement",
    "Step",
    "TaskWriter",
    "World",
    "Writer",
]


@dataclass(frozen=True, slots=True)
class PainterSpec:
    """How a painter's family wants to be addressed.

    `size` is the native (width, height) in pixels, `multiple` what both must be divisible by,
    `largest` the longest side it will try; `tokens` is the length of the longest prompt;
    `negative` whether it heeds a negative prompt; `steps` and `guidance` are its defaults.
    `starts` says whether it can paint over a picture, `repairs` whether over a part of one;
    `tags` whether it wants short phrases between commas rather than sentences, `weights` whether
    words can be weighed in compel's way: (cat)1.5, cat++.
    """

    size: tuple[int, int]
    multiple: int = 8
    largest: int = 2048
    tokens: int = 77
    negative: bool = True
    steps: int = 25
    guidance: float = 5.0
    starts: bool = False
    repairs: bool = False
    tags: bool = False
    weights: bool = False


class _Unwritten:
    """Marks a field that is never written down, for pydantic where that reads and checks ours."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.with_default_schema(core_schema.none_schema(), default=None)


@dataclass(frozen=True, slots=True)
class InitImage:
    """A picture to paint over.

    `picture` has the order's own size, and is None only where the start was read from a file.
    `strength`, above 0 and up to 1, is how much of the way is painted anew; `box` (left, top,
    right, bottom in pixels) limits it, None: everywhere. `order` is what the picture was itself
    painted from, where that is known, so that the whole can be painted again; `company` and `gone`
    are the batch that it was painted in (see `GeneratedImage`), on which its last bits depend.
    """

    picture: Annotated[Image | None, _Unwritten] = field(compare=False)
    strength: float
    box: tuple[int, int, int, int] | None = None
    image_request: ImageRequest | None = None
    batch_seeds: tuple[int, ...] = ()
    dropped_at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture to paint. The seed alone decides its noise, on every device.

    It starts from nothing but noise, or from `start`, with as much noise as its strength says.
    """

    prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    negative: str = ""
    start: InitImage | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One denoising step is done: `number` of `of`, 1-based.

    `previews` maps the index of each live order to a rough picture, when one was asked for.
    """

    number: int
    of: int
    previews: dict[int, Image]


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """The finished picture of the order at `index`.

    `company` are the seeds of the whole batch, its own at its own place, where that is not just
    what was ordered in one call; `gone` says, in the same order, after which step each of these was
    dropped, 0 for those that stayed, and is empty where all did.
    """

    index: int
    picture: Image
    batch_seeds: tuple[int, ...] = ()
    dropped_at: tuple[int, ...] = ()


class ImageStream(Protocol):
    """A batch at work: iterate to advance it, drop what is not worth finishing, close to cancel."""

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        """Each step as it is done, then each finished picture."""
        ...

    def drop(self, index: int) -> None:
        """Spend nothing more on that order; it will not be among the finished pictures."""
        ...

    def close(self) -> None:
        """Stop between two steps. Closing twice is harmless."""
        ...

    @property
    def spent(self) -> float:
        """Image-equivalents so far: steps spent x area, over those of one full native image."""
        ...


@runtime_checkable
class Painter(Protocol):
    """Any text-to-image model: prompt and seed in, picture out."""

    name: str
    spec: PainterSpec

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> ImageStream:
        """Paint all orders in one batch; `preview_every` steps a cheap preview, 0 for none.

        All orders of a batch share size, steps and guidance, and have no start or starts of one
        strength. Raises `BadInput` for a size that the model cannot paint, and for a start where
        its dialect allows none.
        """
        ...

    def cost(self, order: ImageRequest) -> float:
        """What the whole order will cost in image-equivalents; from a start, less."""
        ...

    def count_tokens(self, prompt: str) -> int:
        """The length of a prompt in the painter's own tokens."""
        ...


@runtime_checkable
class Critic(Protocol):
    """CLIP, SigLIP, a model that answers yes or no: what can tell how true a statement is."""

    name: str

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """How probable each claim is, against its own foils: [picture][claim], each in 0..1.

        A claim is weighed against its foils alone: softmax over (claim, *foils) of the scaled
        similarity, as TextNorm does (arXiv:2404.01863), or of the log odds of yes. A claim without
        foils is refused.
        """
        ...


class Statement(Protocol):
    """One statement about a picture, with its slots; a claim is one.

    `kind` says what it is about ("count", "colour", "relation", …), `subject`, `value` and `object`
    say it for code: cat, red; cat, left of, dog.
    """

    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def object(self) -> str: ...


@runtime_checkable
class Judge(Protocol):
    """What judges claims by their slots, not by their words: a detector, by what it finds."""

    name: str

    def judge(
        self, pictures: Sequence[Image], claims: Sequence[Statement]
    ) -> list[list[float | None]]:
        """How probable each claim is: [picture][claim], each in 0..1; None for what it can't tell.

        Whether it can tell depends on the claim alone, and not on the picture.
        """
        ...


@runtime_checkable
class World(Protocol):
    """What a painter of a small world can show; a painter of anything has none.

    `description` tells a writer what there is, `larger` in one line how to get models that can show
    anything; `examples` are requests that it can show. Painters and critics of such a world have it
    as their attribute `world`.
    """

    description: str
    larger: str
    examples: tuple[str, ...]

    def shows(self, claim: Statement) -> bool:
        """Whether the painter can show this at all."""
        ...

    def prompt(self, claims: Sequence[Statement]) -> str:
        """The statements in the few words that the painter knows; "" where it knows none."""
        ...

    def phrased(self, claim: Statement) -> tuple[str, tuple[str, ...]] | None:
        """The statement and its foils as its critic was taught them; None: it can't judge that."""
        ...


@runtime_checkable
class TaskWriter(Protocol):
    """A writer that is given tasks as they are, and not as messages of a chat.

    The tasks and their answers are those of `limner.agent.brief.writer.schema`.
    """

    def write_task(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        """The answer, one JSON object, piece by piece."""
        ...
