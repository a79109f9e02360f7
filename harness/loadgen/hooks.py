"""Locust's events, which carry no types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def hook(event: Any, listener: Callable[..., None]) -> None:
    """Call the listener whenever Locust fires the event."""
    event.add_listener(listener)
