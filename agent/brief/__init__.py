"""From a request to claims, a prompt and a verdict; `writer.py` is where to begin."""

from __future__ import annotations
