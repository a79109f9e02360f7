"""A way between two hosts that takes its time: what comes is passed on later and in order, each direction by its own.

Run as a program: LISTEN_ADDRESS TARGET_ADDRESS TARGET_PORT THERE_SECONDS BACK_SECONDS JITTER_SECONDS; prints its port.
"""

from __future__ import annotations

import asyncio
import random
import sys


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, jitter: float) -> None:
    """Until either side ends. A piece that is held up holds up those after it."""
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def send() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    sending = asyncio.ensure_future(send())
    piece = b"?"
    while piece:
        try:
            piece = await reader.read(65536)
        except ConnectionError:
            piece = b""
        await pieces.put((clock() + delay + random.uniform(0, jitter), piece))
    try:
        await sending
    except ConnectionError:
        writer.close()


async def main(listen: str, target: str, port: str, there: str, back: str, jitter: str) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection(target, int(port))
        await asyncio.gather(
            pass_on(reader, onward_writer, float(there), float(jitter)),
            pass_on(onward_reader, writer, float(back), float(jitter)),
        )

    server = await asyncio.start_server(accept, listen, 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # whoever started it reads this
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
