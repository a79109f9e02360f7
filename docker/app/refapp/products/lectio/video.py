"""Videos to H.264 at 480 lines."""

from __future__ import annotations

from pathlib import Path

from refapp.uploads.ffmpeg import convert


def to_h264(source: Path) -> Path:
    """The path of the transcoded video. Raises ProcessError."""
    picture = ("-map", "0:v:0", "-map", "0:a:0?", "-vf", "scale=-2:480", "-filter_threads", "1")
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1", "-c:a", "aac")
    return convert(source, ".mp4", (*picture, *coding, "-movflags", "+faststart", "-f", "mp4"))
