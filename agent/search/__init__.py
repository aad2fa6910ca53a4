"""Where the budget goes: the loop of one request, and the strategies that decide its next step."""

from __future__ import annotations
