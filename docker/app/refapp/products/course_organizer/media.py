"""Previews of media files."""

from __future__ import annotations

from pathlib import Path

from refapp.uploads.ffmpeg import convert

WIDTH = 640


def preview(source: Path) -> Path:
    """The path of the preview. Raises ProcessError."""
    return convert(
        source, ".preview.jpg", ("-frames:v", "1", "-vf", f"scale='min({WIDTH},iw)':-2", "-q:v", "5", "-f", "mjpeg")
    )
