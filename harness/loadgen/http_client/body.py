"""What a request carries: bytes, a form, JSON, or files that are read while they are sent, in constant memory."""

from __future__ import annotations

import json
import mimetypes
import os
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import urlencode

BLOCK_BYTES = 256 * 1024
"""Of a file, at a time."""

_SMALL_BYTES = 16 * 1024
"""A body up to here goes out in one piece with its request's head."""

Part = bytes | memoryview


@dataclass(slots=True)  # not frozen: that makes it three times as dear, for every request with a body
class Body:
    """length: in bytes; None when it is not known beforehand: then it is sent in chunks.

    small: the whole body, when it is small. replayable: whether ``parts`` can be called again.
    """

    length: int | None
    content_type: str
    parts: Callable[[], Iterator[Part]]
    small: bytes | None = None
    replayable: bool = True


def of_bytes(pieces: Sequence[bytes], content_type: str = "") -> Body:
    """Pieces that follow each other."""
    length = sum(map(len, pieces))
    if length <= _SMALL_BYTES:
        return Body(length, content_type, lambda: iter(pieces), pieces[0] if len(pieces) == 1 else b"".join(pieces))
    return Body(length, content_type, lambda: iter(pieces))


def of_json(value: object) -> Body:
    """A value as JSON."""
    return of_bytes((json.dumps(value).encode(),), "application/json")


def of_data(data: Any) -> Body:
    """What Locust's ``data=`` may be: text, bytes, a form's fields, an open file, or anything that yields bytes.

    Raises TypeError.
    """
    match data:
        case bytes() | bytearray() | memoryview():
            return of_bytes((bytes(data),), "application/octet-stream")
        case str():
            return of_bytes((data.encode(),), "text/plain; charset=utf-8")
        case Mapping() | list() | tuple():
            form = urlencode(list(_fields(data)), doseq=True)
            return of_bytes((form.encode(),), "application/x-www-form-urlencoded; charset=utf-8")
    if callable(getattr(data, "read", None)):
        length, replay = _file(data)
        return Body(
            length, "application/octet-stream", replay or (lambda: _blocks(data)), replayable=replay is not None
        )
    if isinstance(data, Iterable):
        return Body(None, "application/octet-stream", lambda: map(_as_bytes, data), replayable=False)
    raise TypeError(f"a request cannot carry data of the type {type(data).__name__}")


def multipart(files: Any, data: Any = None) -> Body:
    """A form with files, as ``files=`` and ``data=`` of requests and Locust describe it.

    A file is its content (bytes, text, an open binary file), or (name, content), or (name, content, type), or these
    with a mapping of further headers. Files are read while they are sent. Raises TypeError.
    """
    boundary = uuid.uuid4().hex
    length: int | None = 0
    replayable = True
    pieces: list[Callable[[], Iterator[Part]]] = []

    def add(content: bytes) -> None:
        nonlocal length
        pieces.append(lambda: iter((content,)))
        length = None if length is None else length + len(content)

    for name, value in _fields(data or ()):
        for one in value if isinstance(value, list | tuple) else (value,):
            add(f"--{boundary}\r\nContent-Disposition: form-data; {_parameter('name', name)}\r\n\r\n".encode())
            add(_as_bytes(one if isinstance(one, str | bytes) else str(one)) + b"\r\n")
    for name, value in _fields(files):
        filename, content, content_type, more = _file_of(name, value)
        lines = [f"Content-Disposition: form-data; {_parameter('name', name)}"]
        if filename:
            lines[0] += f"; {_parameter('filename', filename)}"
        lines.append(f"Content-Type: {content_type}")
        lines += [f"{key}: {text}" for key, text in more.items()]
        add(_part_head(boundary, lines))
        if isinstance(content, str | bytes | bytearray):
            add(_as_bytes(content))
        elif callable(getattr(content, "read", None)):
            size, replay = _file(content)
            pieces.append(replay or (lambda content=content: _blocks(content)))  # type: ignore[misc]
            replayable = replayable and replay is not None
            length = None if length is None or size is None else length + size
        else:
            raise TypeError(f"a file cannot be of the type {type(content).__name__}")
        add(b"\r\n")
    add(f"--{boundary}--\r\n".encode())

    def parts() -> Iterator[Part]:
        for piece in pieces:
            yield from piece()

    return Body(length, f"multipart/form-data; boundary={boundary}", parts, replayable=replayable)


def _part_head(boundary: str, lines: Sequence[str]) -> bytes:
    if any(ch in line for line in lines for ch in "\r\n"):
        raise ValueError("a header of a file cannot have a line break")
    return "\r\n".join((f"--{boundary}", *lines, "", "")).encode()


def _parameter(key: str, value: str) -> str:
    """As browsers write it (HTML standard, multipart/form-data)."""
    escaped = str(value).replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
    return f'{key}="{escaped}"'


def _fields(data: Any) -> Iterator[tuple[str, Any]]:
    for name, value in data.items() if isinstance(data, Mapping) else data:
        yield str(name), value


def _file_of(name: str, value: Any) -> tuple[str, Any, str, Mapping[str, str]]:
    """Filename, content, type, further headers."""
    more: Mapping[str, str] = {}
    content_type = ""
    if isinstance(value, tuple):
        filename, content, *rest = value
        if rest:
            content_type = str(rest[0] or "")
        if len(rest) > 1:
            more = rest[1]
    else:
        content, filename = value, getattr(value, "name", None)
        filename = PurePath(filename).name if isinstance(filename, str) else name
    guessed = content_type or mimetypes.guess_type(str(filename or ""))[0] or "application/octet-stream"
    return str(filename or ""), content, guessed, more


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"a request's body is made of bytes, not {type(value).__name__}")


def _file(file: Any) -> tuple[int | None, Callable[[], Iterator[Part]] | None]:
    """How much there is to read from here, and a way to read it as often as needed; None for what is not known."""
    try:
        start = int(file.tell())
        try:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None, None
            end = status.st_size
        except (AttributeError, OSError):
            end = int(file.seek(0, os.SEEK_END))
            file.seek(start)
    except (AttributeError, OSError, TypeError):
        return None, None
    if isinstance(getattr(file, "encoding", None), str):
        raise TypeError("open the file in binary mode: its length in bytes is not that in characters")

    def again() -> Iterator[Part]:
        file.seek(start)
        return _blocks(file)

    return max(0, end - start), again


def _blocks(file: Any) -> Iterator[Part]:
    while block := file.read(BLOCK_BYTES):
        yield _as_bytes(block) if not isinstance(block, bytes) else block
