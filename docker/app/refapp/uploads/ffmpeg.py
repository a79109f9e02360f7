"""ffmpeg, for whatever a product makes of an uploaded file."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from refapp.config import settings


class ProcessError(Exception):
    """A file could not be processed; its text says why."""


def convert(source: Path, suffix: str, arguments: Sequence[str]) -> Path:
    """The path of the converted file, which exists only when it is whole. Raises ProcessError.

    One thread, so that a worker's concurrency is the number of cores that the work takes. No niceness: whether jobs
    slow the requests on the same cores is a bottleneck that plans name, and hiding it is not ours to do.
    """
    config = settings()
    part, result = source.with_suffix(".part"), source.with_suffix(suffix)
    command = [
        config.ffmpeg,
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-threads",
        "1",
        "-i",
        str(source),
        *arguments,
        str(part),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=config.transcode_timeout_seconds)
    except subprocess.CalledProcessError as error:
        part.unlink(missing_ok=True)
        said = error.stderr.decode(errors="replace").replace("\0", "").strip()
        raise ProcessError(said[-500:] or f"ffmpeg ended with {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        part.unlink(missing_ok=True)
        raise ProcessError(f"took longer than {config.transcode_timeout_seconds:g} s") from error
    except OSError as error:
        raise ProcessError(f"{config.ffmpeg} cannot be started: {error.strerror}") from error
    return part.replace(result)
