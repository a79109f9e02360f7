"""The clip that the upload flow sends: a real video, made by ffmpeg once and kept."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StackError
from harness.stack.places import STATE

CLIP_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Clip:
    """What is filmed: a moving test picture with a tone. Rates in bits per second."""

    seconds: int = 20
    width: int = 1280
    height: int = 720
    frames_per_second: int = 25
    video_bits_per_second: int = 1_400_000
    audio_bits_per_second: int = 96_000

    def arguments(self) -> tuple[str, ...]:
        """ffmpeg's, without the program and the output."""
        picture = f"testsrc2=size={self.width}x{self.height}:rate={self.frames_per_second}:duration={self.seconds}"
        tone = f"sine=frequency=440:beep_factor=4:duration={self.seconds}"
        return (
            *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
            *("-b:v", str(self.video_bits_per_second), "-maxrate", str(self.video_bits_per_second)),
            *("-bufsize", str(self.video_bits_per_second * 2)),
            *("-c:a", "aac", "-b:a", str(self.audio_bits_per_second)),
            *("-movflags", "+faststart", "-f", "mp4"),
        )

    @property
    def digest(self) -> str:
        """Changes with every parameter."""
        return hashlib.sha256(" ".join(self.arguments()).encode()).hexdigest()[:16]


def clip_path(clip: Clip = Clip(), state: Path = STATE) -> Path:
    """Where the clip is kept."""
    return state / f"clip-{clip.digest}.mp4"


def ensure_clip(ffmpeg: Path, clip: Clip = Clip(), state: Path = STATE) -> Path:
    """The clip, made if it is not there yet. Raises StackError when ffmpeg cannot make it."""
    path = clip_path(clip, state)
    if path.exists():
        return path
    state.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        subprocess.run(
            (str(ffmpeg), "-nostdin", "-loglevel", "error", "-y", *clip.arguments(), str(part)),
            check=True,
            capture_output=True,
            text=True,
            timeout=CLIP_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise StackError("ffmpeg could not make the clip for uploads", str(error.stderr).splitlines()[-6:]) from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"ffmpeg took longer than {CLIP_SECONDS} s to make the clip", str(path)) from error
    part.replace(path)
    return path
