"""Videos to H.264 at 480 lines, with ffmpeg, as a Celery task."""

from __future__ import annotations

import subprocess
from pathlib import Path

from celery import shared_task
from sqlalchemy import bindparam, func, update
from sqlalchemy.exc import DBAPIError

from refapp.config import settings
from refapp.db import connect
from refapp.products.lectio.tables import uploads
from refapp.sockets import tell_user

MAX_ATTEMPTS = 3
"""How often a video is begun: one that kills its worker (out of memory, say) must not kill them all, one by one."""

_THIS = uploads.c.client_id == bindparam("this")
_BEGIN = (
    update(uploads)
    .where(_THIS, uploads.c.status.in_(("queued", "processing")))
    .values(
        status="processing",
        attempts=uploads.c.attempts + 1,
        started_at=func.coalesce(uploads.c.started_at, func.clock_timestamp()),
    )
    .returning(uploads.c.user_id, uploads.c.path, uploads.c.attempts)
)
_END = (
    update(uploads)
    .where(_THIS)
    .values(
        status=bindparam("outcome"),
        finished_at=func.clock_timestamp(),
        result_path=bindparam("result"),
        error=bindparam("problem"),
    )
)


class TranscodeError(Exception):
    """ffmpeg could not, and said why."""


# Acknowledged late: the transcode can be begun again from the start, so a worker that dies gives its job to another
# instead of losing it. A database that is away for a while delays the job and does not lose it either.
@shared_task(
    name="lectio.transcode",
    acks_late=True,
    reject_on_worker_lost=True,
    autoretry_for=(DBAPIError,),
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=8,
)
def transcode(client_id: str) -> None:
    """Transcode one upload and tell its owner."""
    with connect() as connection:
        begun = connection.execute(_BEGIN, {"this": client_id}).one_or_none()
    if begun is None:  # ended already: the message came twice
        return
    result, problem = None, None
    try:
        if begun.attempts > MAX_ATTEMPTS:
            raise TranscodeError(f"given up after {MAX_ATTEMPTS} attempts")
        result = str(to_h264(Path(begun.path)))
    except TranscodeError as error:
        problem = str(error)
    outcome = "failed" if problem else "finished"
    with connect() as connection:
        connection.execute(_END, {"this": client_id, "outcome": outcome, "result": result, "problem": problem})
    tell_user(begun.user_id, "job", {"client_id": client_id, "status": outcome})


def to_h264(source: Path) -> Path:
    """The path of the transcoded file, which exists only when it is whole. Raises TranscodeError.

    One thread, so that a worker's concurrency is the number of cores that transcoding takes. No niceness: whether
    transcodes slow the requests on the same cores is a bottleneck that the plan names, and hiding it is not ours to do.
    """
    config = settings()
    part, result = source.with_suffix(".part"), source.with_suffix(".mp4")
    command = [config.ffmpeg, "-nostdin", "-v", "error", "-y", "-threads", "1", "-i", str(source)]
    command += ["-map", "0:v:0", "-map", "0:a:0?", "-vf", "scale=-2:480", "-filter_threads", "1"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1", "-c:a", "aac"]
    command += ["-movflags", "+faststart", "-f", "mp4", str(part)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=config.transcode_timeout_seconds)
    except subprocess.CalledProcessError as error:
        part.unlink(missing_ok=True)
        said = error.stderr.decode(errors="replace").replace("\0", "").strip()
        raise TranscodeError(said[-500:] or f"ffmpeg ended with {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        part.unlink(missing_ok=True)
        raise TranscodeError(f"took longer than {config.transcode_timeout_seconds:g} s") from error
    except OSError as error:
        raise TranscodeError(f"{config.ffmpeg} cannot be started: {error.strerror}") from error
    return part.replace(result)
