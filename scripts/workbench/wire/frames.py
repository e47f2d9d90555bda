"""Cut a stream of bytes into AMQP frames, wherever the reads happened to split it."""

from __future__ import annotations

import struct
from typing import NamedTuple

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
PROTOCOL_HEADER = ord("A")
PROTOCOL_HEADER_SIZE = 8

FRAME_HEADER_SIZE = 7
FRAME_OVERHEAD = 8
FRAME_END = 0xCE
FRAME_TYPES = {METHOD, HEADER, BODY, HEARTBEAT}

_frame_header = struct.Struct(">BHL").unpack_from
_method_id = struct.Struct(">I").unpack_from
_body_size = struct.Struct(">Q").unpack_from


class NotAMQP(ValueError):
    """These bytes cannot be AMQP 0-9-1 frames."""


class Frame(NamedTuple):
    """One frame: its type, its channel and its bytes as they were on the wire."""

    type: int
    channel: int
    raw: bytes

    def __repr__(self) -> str:
        """Never the bytes: connection.start-ok carries the password."""
        return f"<frame type={self.type} channel={self.channel} {len(self.raw)} bytes>"

    def method_id(self) -> int:
        """Class and method in one number, as pika's `INDEX`; only for method frames."""
        return _method_id(self.raw, FRAME_HEADER_SIZE)[0]

    def body_size(self) -> int:
        """The size in bytes of the whole body that a content header announces."""
        return _body_size(self.raw, FRAME_HEADER_SIZE + 4)[0]

    def payload(self) -> bytes:
        """What the frame carries, without its header and end mark."""
        return self.raw[FRAME_HEADER_SIZE:-1]


class FrameSplitter:
    """Fed with what each read brought, returns the frames that are complete."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._needed = FRAME_HEADER_SIZE

    def feed(self, data: bytes) -> tuple[bytes, list[Frame]]:
        """The bytes of all frames that are now complete, in one piece, and the frames themselves.

        Raises NotAMQP; nothing is lost then: `rest()` has all that was not returned before.
        """
        self._held.append(data)
        self._size += len(data)
        # A large frame arrives in many reads: they are joined once, not at each read.
        if self._size < self._needed:
            return b"", []
        data = self.rest()
        self._keep(data)
        frames, end = self._cut(data)
        self._keep(data[end:])
        return (data if end == len(data) else data[:end]), frames

    def rest(self) -> bytes:
        """Take out the bytes that belong to no complete frame yet."""
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._keep(b"")
        return data

    def _keep(self, data: bytes) -> None:
        self._held = [data] if data else []
        self._size = len(data)

    def _cut(self, data: bytes) -> tuple[list[Frame], int]:
        frames = []
        start, total = 0, len(data)
        self._needed = FRAME_HEADER_SIZE
        while total - start >= FRAME_HEADER_SIZE:
            kind, channel, size = _frame_header(data, start)
            end = start + (PROTOCOL_HEADER_SIZE if kind == PROTOCOL_HEADER else FRAME_OVERHEAD + size)
            if kind not in FRAME_TYPES:
                self._require_protocol_header(data, start)
                channel = 0
            if end > total:
                self._needed = end - start
                break
            if data[end - 1] != FRAME_END and kind != PROTOCOL_HEADER:
                raise NotAMQP("a frame does not end where it says")
            frames.append(Frame(kind, channel, data[start:end]))
            start = end
        return frames, start

    @staticmethod
    def _require_protocol_header(data: bytes, start: int) -> None:
        if data[start : start + 4] != b"AMQP":
            raise NotAMQP("there is no such frame type")
