"""What holds of a picture, where in it, and how sure a critic can be of it."""

from __future__ import annotations
