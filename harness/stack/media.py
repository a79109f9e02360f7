"""What upload flows send: a real video or picture, made by ffmpeg once and kept."""

from __future__ import annotations

import hashlib
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StackError
from harness.stack.places import STATE

MAKING_SECONDS = 120

_LEAST_COMMENT_BYTES = 4
_MOST_COMMENT_BYTES = 65_537


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
    if not path.exists():
        part = _make(ffmpeg, clip.arguments(), path)
        part.replace(path)
    return path


def ensure_image(ffmpeg: Path, size_bytes: int, state: Path = STATE) -> Path:
    """A JPEG of exactly that size, made if it is not there yet. Raises StackError when ffmpeg cannot make it.

    A noisy picture of 4:3 that comes out somewhat smaller (about 0.28 bytes a pixel), filled up with comments, which
    every decoder skips.
    """
    path = state / f"image-{size_bytes}.jpg"
    if path.exists():
        return path
    pixels = max(64 * 48, size_bytes * 7 // 2)
    for _ in range(12):
        height = max(48, round(math.sqrt(pixels * 3 / 4)) // 2 * 2)
        width = height * 4 // 3 // 2 * 2
        part = _make(ffmpeg, _picture(width, height), path)
        made = part.read_bytes()
        if size_bytes - len(made) >= _LEAST_COMMENT_BYTES:
            part.write_bytes(fill_up(made, size_bytes))
            part.replace(path)
            return path
        if len(made) == size_bytes:
            part.replace(path)
            return path
        pixels = pixels * 3 // 4
    raise StackError(f"no picture comes out at {size_bytes} bytes", "upload_size", "at least 4 KB")


def fill_up(jpeg: bytes, size_bytes: int) -> bytes:
    """The JPEG with comment segments after its first marker, so that it has that size. Raises ValueError.

    A segment is its marker FF FE, its length in two bytes, which count themselves, and up to 65,533 bytes (ITU T.81).
    """
    missing = size_bytes - len(jpeg)
    if not jpeg.startswith(b"\xff\xd8") or 0 < missing < _LEAST_COMMENT_BYTES or missing < 0:
        raise ValueError(f"{missing} bytes cannot be filled up")
    comments = []
    while missing:
        segment = min(missing, _MOST_COMMENT_BYTES)
        if 0 < missing - segment < _LEAST_COMMENT_BYTES:
            segment -= _LEAST_COMMENT_BYTES
        comments.append(b"\xff\xfe" + (segment - 2).to_bytes(2, "big") + bytes(segment - 4))
        missing -= segment
    return jpeg[:2] + b"".join(comments) + jpeg[2:]


def _picture(width: int, height: int) -> tuple[str, ...]:
    source = f"testsrc2=size={width}x{height}:rate=1:duration=1,noise=alls=20:allf=u:all_seed=7"
    return ("-f", "lavfi", "-i", source, "-frames:v", "1", "-q:v", "3", "-f", "mjpeg")


def _make(ffmpeg: Path, arguments: tuple[str, ...], path: Path) -> Path:
    """Run ffmpeg into a file beside ``path``, which is returned: nobody shall find half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        subprocess.run(
            (str(ffmpeg), "-nostdin", "-loglevel", "error", "-y", *arguments, str(part)),
            check=True,
            capture_output=True,
            text=True,
            timeout=MAKING_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise StackError("ffmpeg could not make the file for uploads", str(error.stderr).splitlines()[-6:]) from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"ffmpeg took longer than {MAKING_SECONDS} s to make the file", str(path)) from error
    return part
