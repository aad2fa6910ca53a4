"""Prompts as other tools write them: weights, settings, LoRAs; `reader.py` is where to begin."""

from __future__ import annotations
