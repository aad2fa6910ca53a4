"""Prompts for assistants: for each style, the words by which one asks limner for it."""

from __future__ import annotations

from mcp.types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from limner.agent.plain import request_line
from limner.errors import BadInput
from limner.prompts.styles import Style, styles

__all__ = ["get_prompt", "list_prompts"]

_TEXT = """\
Ask limner for this picture: {subject}

Call its tool imagine with the request "{subject}", in these very words and in their own language, \
and with style "{style}". That adds: {adds}. Add nothing of your own about how it should look.
Then show the picture and say what the verdict says: what holds, what doesn't, and what was not \
checked. If something that matters doesn't hold, call refine_image with the take's id and say in a \
few words what to change; tell the seed of the one that is kept, for with it the same request \
paints the same picture."""


def list_prompts() -> list[Prompt]:
    """A prompt for each style; always the same."""
    return [_prompt(one) for one in styles().values()]


def get_prompt(name: str, arguments: dict[str, str] | None) -> GetPromptResult:
    """A style's prompt, with its subject. Raises `BadInput` for another name or argument."""
    found = {_name(one): one for one in styles().values()}.get(name)
    if found is None:
        raise BadInput(f"there is no prompt {name[:60]!r}", "list the prompts")
    given = dict(arguments or {})
    subject = request_line(given.pop("subject", ""))
    if given:
        raise BadInput(f"{name} takes no {min(given)[:60]!r}", "it takes: subject")
    text = _TEXT.format(subject=subject, style=found.name, adds=found.adds)
    said = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=f"A picture in the style {found.name}", messages=[said])


def _prompt(one: Style) -> Prompt:
    return Prompt(
        name=_name(one),
        title=one.name.capitalize(),
        description=f"Paint something as {one.name}: {one.adds}",
        arguments=[
            PromptArgument(
                name="subject", description="What to see, in any language", required=True
            )
        ],
    )


def _name(one: Style) -> str:
    return one.name.replace(" ", "-")
