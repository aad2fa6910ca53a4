"""limner as a tool of other assistants, by the Model Context Protocol."""

from limner.errors import MissingExtra

try:
    import mcp.server.lowlevel  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        "limner mcp needs the package mcp, version 2", "type pip install 'limner[mcp]'"
    ) from error
