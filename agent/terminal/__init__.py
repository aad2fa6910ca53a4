"""What people see and type in the terminal: a conversation, its commands, and pictures."""

from __future__ import annotations
