"""Files that come in go straight to where they are kept, never through memory and never twice."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from uuid import uuid4

from flask import Request
from werkzeug.datastructures import FileStorage

from refapp.config import settings


class StreamingRequest(Request):
    """A request whose uploaded files are written into ``UPLOAD_DIR`` as they arrive."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        # Removed when it is closed, which the request does at its end, unless keep() has given it a name of its own.
        return NamedTemporaryFile(dir=settings().upload_dir, prefix=".incoming-")


def keep(upload: FileStorage) -> tuple[Path, int]:
    """Give the file a name of its own; its path and its size in bytes. The name is the server's, never the client's."""
    size = upload.stream.seek(0, os.SEEK_END)
    upload.stream.flush()
    path = settings().upload_dir / f"{uuid4().hex}.video"
    os.link(upload.stream.name, path)
    return path, size
