"""Scanned pages to JPEGs that a screen can show: the plan compresses uploaded files to save storage."""

from __future__ import annotations

from pathlib import Path

from refapp.uploads.ffmpeg import convert

LONGEST_SIDE = 1600


def compress(source: Path) -> Path:
    """The path of the smaller picture. Raises ProcessError."""
    fit = f"scale='min({LONGEST_SIDE},iw)':'min({LONGEST_SIDE},ih)':force_original_aspect_ratio=decrease"
    return convert(source, ".small.jpg", ("-frames:v", "1", "-vf", fit, "-q:v", "5", "-f", "mjpeg"))
