"""Pictures to the width of the feed."""

from __future__ import annotations

from pathlib import Path

from refapp.uploads.ffmpeg import convert

WIDTH = 1080


def resize(source: Path) -> Path:
    """The path of the resized picture. Raises ProcessError."""
    return convert(
        source, ".feed.jpg", ("-frames:v", "1", "-vf", f"scale='min({WIDTH},iw)':-2", "-q:v", "4", "-f", "mjpeg")
    )
