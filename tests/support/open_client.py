"""A plain open-model HTTP client on asyncio, nothing of the harness's own: what a server is checked with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import aiohttp


@dataclass(frozen=True, slots=True)
class Answer:
    """When a request was sent and answered (CLOCK_MONOTONIC), and how."""

    sent_seconds: float
    answered_seconds: float
    status: int

    @property
    def seconds(self) -> float:
        return self.answered_seconds - self.sent_seconds


def poisson(rate: float, seconds: float, seed: int = 3) -> list[float]:
    """Times of arrivals from 0."""
    random, times, now = Random(seed), [], 0.0
    while (now := now + random.expovariate(rate)) < seconds:
        times.append(now)
    return times


def offer(url: str, times: Iterable[float]) -> list[Answer]:
    """A GET at each of the times from now, whatever became of the others; the answers in the order of sending."""

    async def all_of_them() -> list[Answer]:
        began = time.monotonic()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one(at: float) -> Answer:
                await asyncio.sleep(began + at - time.monotonic())
                sent = time.monotonic()
                async with session.get(url) as answer:
                    await answer.read()
                    return Answer(sent, time.monotonic(), answer.status)

            return await asyncio.gather(*(one(at) for at in times))

    return asyncio.run(all_of_them())


def keep_busy(url: str, clients: int, seconds: float) -> list[Answer]:
    """So many clients at once, each asking again as soon as it is answered."""

    async def all_of_them() -> list[Answer]:
        end = time.monotonic() + seconds
        answers: list[Answer] = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one() -> None:
                while (sent := time.monotonic()) < end:
                    async with session.get(url) as answer:
                        await answer.read()
                        answers.append(Answer(sent, time.monotonic(), answer.status))

            await asyncio.gather(*(one() for _ in range(clients)))
        return answers

    return asyncio.run(all_of_them())
