"""Where the stack's ingredients lie in the project."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCKER = PROJECT / "docker"
"""The servers' configuration templates, one folder each."""
APPLICATION = DOCKER / "app"
"""The reference application."""
STATE = PROJECT / ".state"
"""What is made once and kept between runs."""
