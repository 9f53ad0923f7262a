"""HTTP as bytes on asyncio streams, for servers and proxies that break its rules on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping

Headers = list[tuple[bytes, bytes]]


async def send(writer: asyncio.StreamWriter, status: bytes, headers: Headers, body: bytes) -> bool:
    writer.write(head(status, headers, len(body)) + body)
    await writer.drain()
    return True


def head(line: bytes, headers: Headers, length: int | None = None) -> bytes:
    more = [] if length is None else [(b"Content-Length", str(length).encode())]
    lines = [line, *(key + b": " + value for key, value in (*headers, *more)), b"", b""]
    return b"\r\n".join(lines)


async def read_head(reader: asyncio.StreamReader) -> tuple[bytes, Headers]:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head[:-4].split(b"\r\n")
    pairs = (text.partition(b":") for text in rest)
    return line, [(key.strip(), value.strip()) for key, _, value in pairs]


async def read_body(
    reader: asyncio.StreamReader, headers: Headers, *, to_end: bool = False
) -> bytes:
    named: Mapping[bytes, bytes] = {key.lower(): value for key, value in headers}
    if named.get(b"transfer-encoding", b"").lower() == b"chunked":
        parts: list[bytes] = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        while (await reader.readline()) not in {b"\r\n", b""}:
            pass
        return b"".join(parts)
    length = named.get(b"content-length")
    if length is not None:
        return await reader.readexactly(int(length))
    return await reader.read(-1) if to_end else b""


def reset(writer: asyncio.StreamWriter) -> bool:
    """Send RST; return False, for the connection is gone."""
    link = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False
