"""A response as it came: its head is decoded when somebody asks for it, its body when it was compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from harness.loadgen.net import ProtocolError

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Of a body that is kept in memory, as sent and as decoded."""

_decode_text = json.JSONDecoder().decode
_NOT_DECODED: Any = object()
"""Of a body as JSON. Not the response itself, which would then have to wait for the garbage collector."""


class Headers(Mapping[str, str]):
    """Header fields by name, in whatever case; several of one name joined with a comma, but for ``all``."""

    __slots__ = ("_fields",)

    def __init__(self, head: bytes = b"") -> None:
        fields: dict[str, list[str]] = {}
        last: list[str] = []
        for line in head.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            if line[:1] in (b" ", b"\t"):  # a folded line of old
                if last:
                    last[-1] += " " + line.strip().decode("latin-1")
                continue
            name, _, value = line.partition(b":")
            last = fields.setdefault(name.decode("latin-1").lower(), [])
            last.append(value.strip(b" \t").decode("latin-1"))
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"

    def all(self, name: str) -> tuple[str, ...]:
        """Each of the fields of that name."""
        return tuple(self._fields.get(name.lower(), ()))


class Response:
    """status: 0 before there is any. head: the bytes of status line and header fields, and maybe some that follow.

    plain: nothing in the head is for the browser to act on: no cookie, no location, no coding. body: decoded.
    """

    __slots__ = ("_headers", "_json", "body", "head", "plain", "status")

    def __init__(self) -> None:
        self.status = 0
        self.head = b""
        self.body = b""
        self.plain = False
        self._headers: Headers | None = None
        self._json: Any = _NOT_DECODED

    @property
    def headers(self) -> Headers:
        """The header fields, decoded at the first use."""
        if self._headers is None:
            self._headers = Headers(self.head)
        return self._headers

    def clear(self) -> None:
        """Before it is filled with another response, after a redirect."""
        self.status = 0
        self.head = self.body = b""
        self.plain = False
        self._headers = None
        self._json = _NOT_DECODED

    def decoded_json(self) -> Any:
        """The body as JSON, decoded once. Raises ValueError."""
        if self._json is _NOT_DECODED:
            try:
                self._json = _decode_text(self.body.decode())
            except ValueError:
                self._json = json.loads(self.body)  # UTF-16, or a byte order mark
        return self._json

    def undo_coding(self) -> None:
        """Decode the body as its head says it is coded. Raises ProtocolError."""
        decoder = decoder_of(self.headers)
        if decoder is not None:
            self.body = decoder.whole(self.body)


class Decoder(Protocol):
    """Undoes one content coding."""

    def feed(self, data: bytes) -> bytes:
        """What the next bytes decode to. Raises ProtocolError."""

    def end(self) -> None:
        """There is no more. Raises ProtocolError when there should be."""

    def whole(self, data: bytes) -> bytes:
        """A whole body. Raises ProtocolError."""


class _Zlib:
    """gzip, and deflate with or without zlib's head, as servers take it either way."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._bits = zlib.MAX_WBITS | 16 if coding == "gzip" else 0
        self._inflate: Any = None
        self._begun = False

    def _decompress(self, data: bytes, most: int) -> bytes:
        if self._inflate is None:
            # A zlib head: method 8, and a multiple of 31.
            bare = not self._bits and (data[0] & 0x0F != 8 or (len(data) > 1 and (data[0] << 8 | data[1]) % 31))
            self._inflate = zlib.decompressobj(self._bits or (-zlib.MAX_WBITS if bare else zlib.MAX_WBITS))
        try:
            return bytes(self._inflate.decompress(data, most))
        except zlib.error as error:
            raise ProtocolError(f"broken {self._coding}") from error

    def feed(self, data: bytes) -> bytes:
        out = b""
        while data:
            self._begun = True
            out += self._decompress(data, 0)
            data = self._inflate.unused_data
            if self._inflate.eof and data:
                if self._coding != "gzip":
                    raise ProtocolError(f"broken {self._coding}")
                self._inflate = None  # gzip may have several members
        return out

    def end(self) -> None:
        if self._begun and not self._inflate.eof:
            raise ProtocolError(f"broken {self._coding}")

    def whole(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        room = MAX_BODY_BYTES
        while data:
            self._begun = True
            parts.append(self._decompress(data, room + 1))
            room -= len(parts[-1])
            if room < 0:
                raise ProtocolError("the response is too large")
            if not self._inflate.eof or not self._inflate.unused_data:
                break
            if self._coding != "gzip":
                raise ProtocolError(f"broken {self._coding}")
            data, self._inflate = self._inflate.unused_data, None
        self.end()
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._brotli = brotli
        self._decompressor = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        self._begun = self._begun or bool(data)
        try:
            return bytes(self._decompressor.process(data))
        except self._brotli.error as error:
            raise ProtocolError("broken br") from error

    def end(self) -> None:
        if self._begun and not self._decompressor.is_finished():
            raise ProtocolError("broken br")

    def whole(self, data: bytes) -> bytes:
        parts, size = [], 0
        for start in range(0, len(data), 4096):  # bit by bit: a small bomb must not become a big one at once
            parts.append(self.feed(data[start : start + 4096]))
            size += len(parts[-1])
            if size > MAX_BODY_BYTES:
                raise ProtocolError("the response is too large")
        self.end()
        return b"".join(parts)


@cache
def _brotli() -> Any:
    try:
        return import_module("brotli")
    except ImportError:
        return None


def accepted_codings() -> str:
    """What ``Accept-Encoding`` says: br only where the brotli package is there to decode it."""
    return "gzip, deflate, br" if _brotli() is not None else "gzip, deflate"


def decoder_of(headers: Headers) -> Decoder | None:
    """What undoes the response's coding; None when it has none. Raises ProtocolError for one that nobody asked for."""
    coding = headers.get("content-encoding", "").strip().lower()
    match coding:
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Zlib("gzip")
        case "deflate":
            return _Zlib("deflate")
        case "br" if _brotli() is not None:
            return _Brotli(_brotli())
    raise ProtocolError(f"a content coding that was not asked for: {coding[:40]}")
