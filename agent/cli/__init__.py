"""The commands of `limner`, one module each: what may be typed, and what is done then."""

from __future__ import annotations
