"""Says where the server is, and what to bring along."""

from __future__ import annotations

from limner.agent.view.terminal import say

__all__ = ["greet"]


def greet(host: str, port: int, token: str) -> None:
    """Prints the page's address, with a token that was drawn for this time, and the API's."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    say(f"limner is at {address}/" + (f"#token={token}" if token else ""))
    say(f"OpenAI clients: base_url {address}/v1" + (f", API key {token}" if token else ""))
    say("Ctrl-C stops it.")
