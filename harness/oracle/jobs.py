"""A job queue: ``POST /jobs`` takes one, ``GET /jobs/<id>`` says how far it is. c workers, first come, first served."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from random import Random

from aiohttp import web

from harness.oracle.log import Served
from harness.oracle.options import above_zero, at_least, count, milliseconds
from harness.oracle.site import Site, clock, sleep_until
from harness.oracle.stations import Fate, Station


@dataclass(frozen=True, slots=True)
class Jobs:
    """How the jobs are done; a request itself is answered at once."""

    workers: int = count("workers", 1, "Jobs under way at once; the rest wait in one line.")
    service_seconds: float = milliseconds("service-ms", 0.500, "Time that each job takes.")

    def __post_init__(self) -> None:
        at_least(1, workers=self.workers)
        above_zero(service_seconds=self.service_seconds)


@dataclass(frozen=True, slots=True)
class Job:
    """A job whose times (CLOCK_MONOTONIC) are known since it was taken."""

    queued_seconds: float
    fate: Fate

    def status(self, at_seconds: float) -> str:
        """queued, processing or finished at that time."""
        if at_seconds < self.fate.start_seconds:
            return "queued"
        return "processing" if at_seconds < self.fate.end_seconds else "finished"

    def told(self, at_seconds: float, wall_minus_monotonic_seconds: float) -> dict[str, object]:
        """What is said of it then: times since the epoch, null while they lie in the future."""
        times = {
            "queued_at": self.queued_seconds,
            "started_at": self.fate.start_seconds,
            "finished_at": self.fate.end_seconds,
        }
        shift = wall_minus_monotonic_seconds
        past = {name: value + shift if value <= at_seconds else None for name, value in times.items()}
        return {"status": self.status(at_seconds), **past}


def serve(app: web.Application, parameters: Jobs, random: Random, site: Site) -> None:
    """Add the routes. A job's row in the log: arrival, start, end, and the moment that its end was noticed."""
    station = Station(parameters.workers)
    jobs: dict[str, Job] = {}
    under_way: set[object] = set()
    shift = time.time() - clock()

    async def finish(job: Job) -> None:
        await sleep_until(job.fate.end_seconds)
        site.log.add(Served(job.queued_seconds, job.fate.start_seconds, job.fate.end_seconds, clock(), 200))

    async def post(request: web.Request) -> web.Response:
        arrival = site.arrived()
        identifier = await _client_id(request) or uuid.UUID(int=random.getrandbits(128)).hex
        if identifier not in jobs:
            now = clock()  # the body has come by now, so that the station's arrivals stay in order
            jobs[identifier] = Job(now, station.take(now, parameters.service_seconds))
            task = request.loop.create_task(finish(jobs[identifier]))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        site.meter.end(clock(), clock() - arrival)
        return web.json_response({"id": identifier, "client_id": identifier, "status": "queued"}, status=202)

    async def get(request: web.Request) -> web.Response:
        arrival = site.arrived()
        identifier = request.match_info["id"]
        job = jobs.get(identifier)
        site.meter.end(clock(), clock() - arrival)
        if job is None:
            return web.json_response({"error": "no such job"}, status=404)
        return web.json_response({"id": identifier, "client_id": identifier, **job.told(clock(), shift)})

    async def front(_: web.Request) -> web.Response:
        arrival = site.arrived()
        site.meter.end(clock(), clock() - arrival)
        return web.json_response({"jobs": len(jobs)})

    app.router.add_get("/", front)
    app.router.add_post("/jobs", post)
    app.router.add_get("/jobs/{id}", get)


async def _client_id(request: web.Request) -> str:
    """The id that the client chose, in a form (with a file) or in JSON; empty when it chose none."""
    if request.content_type.startswith("multipart/"):
        return str((await request.post()).get("client_id", ""))
    body = await request.read()
    if request.content_type == "application/json" and body:
        try:
            told = await request.json()
        except ValueError:
            return ""
        return str(told.get("client_id", "")) if isinstance(told, dict) else ""
    return ""
