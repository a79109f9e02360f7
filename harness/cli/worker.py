"""``proofload worker --master HOST``: take part in a load that another machine directs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.output import console, print_error
from harness.cli.signals import stopped_by_signals
from harness.cli.workers import TOKEN, TOKEN_FILE, parse_address, token_of
from harness.errors import ConfigError, GeneratorError
from harness.experiment.participant import Part, Participant
from harness.experiment.settings import StopRequest
from harness.model.samples import Event

_LOOK_SECONDS = 0.2
_BREATH_SECONDS = 2.0
"""Before it joins anew: a master that refuses would be asked without end."""

_INTERRUPTED = 130


def worker(
    master: Annotated[
        str,
        typer.Option("--master", metavar="HOST[:PORT]", help="Where proofload verify --expect-workers waits."),
    ],
    processes: Annotated[
        str, typer.Option("--processes", metavar="N", help="How many workers to be: a number, or cores.")
    ] = "1",
    locustfile: Annotated[
        Path | None, typer.Option("--locustfile", help="Flows of your own: the same file as the master's.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="URL", help="The system's address as this machine knows it, if not as the master does."
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="HOST", help="Load no host but loopback and these, whatever the master says."),
    ] = None,
    forever: Annotated[
        bool, typer.Option("--forever", help="After a load wait for the next one, until Ctrl-C.")
    ] = False,
) -> None:
    """Take part in a load that another machine directs: wait for its master, carry a part of one load, and leave.

    The token that the master prints comes from the environment: PROOFLOAD_WORKER_TOKEN, or the path of a file in
    PROOFLOAD_WORKER_TOKEN_FILE. Version, sources and locustfile must be the master's. Nothing else is shared.
    Exit codes: 0 after its part of a load, 20 bad input, 22 when it was refused, found no master or was lost.

    Examples:

      PROOFLOAD_WORKER_TOKEN=… proofload worker --master 10.0.0.5

      PROOFLOAD_WORKER_TOKEN_FILE=/run/secrets/token proofload worker --master master:5557 --processes cores

      proofload worker --master 10.0.0.5 --locustfile ./flows.py --allow 10.0.0.9 --forever
    """
    at, port = parse_address(master, "--master")
    token = token_of()
    if token is None:
        raise ConfigError(
            "a worker needs the token of its master", f"{TOKEN}, {TOKEN_FILE}", "the master prints it when it waits"
        )
    if locustfile is not None and not locustfile.is_file():
        raise ConfigError("there is no such locustfile", str(locustfile), "the same file as the master's")
    own = None if locustfile is None else locustfile.resolve()
    part = Part(at, port, token, own, host or os.environ.get("PROOFLOAD_WORKER_HOST", ""), tuple(allow or ()))
    count = _count(processes)
    out, stop = console(lasting=True), StopRequest()
    with stopped_by_signals(stop):
        while True:
            said = "1 process" if count == 1 else f"{count} processes"
            out.print(f"joining the master at {at}:{port} with {said}", markup=False)
            problem = _take_part(part, count, out, stop)
            if stop.asked:
                raise typer.Exit(_INTERRUPTED)
            if not forever:
                break
            if problem is not None:
                print_error(problem)
            if stop.wait(_BREATH_SECONDS if problem else 0):
                raise typer.Exit(_INTERRUPTED)
    if problem is not None:
        raise problem


def _take_part(part: Part, count: int, out: Console, stop: StopRequest) -> GeneratorError | None:
    """One load with that many processes; the first thing that went wrong."""
    with tempfile.TemporaryDirectory(prefix="proofload-worker-") as folder:
        participants = {}
        for number in range(1, count + 1):
            home = Path(folder) / str(number)
            home.mkdir(mode=0o700)
            participants[number] = Participant(part, home)
        try:
            for participant in participants.values():
                participant.start()
            under_way = True
            while under_way and not stop.wait(_LOOK_SECONDS):
                under_way = any(participant.poll() is None for participant in participants.values())
                for number, participant in participants.items():
                    for event in participant.news():
                        if line := _line(event):
                            out.print(f"  process {number}: {line}" if count > 1 else f"  {line}", markup=False)
        finally:
            if stop.asked and any(participant.is_counted_on for participant in participants.values()):
                out.print("  leaving; without this worker the load is INVALID from here on", markup=False)
            for participant in participants.values():
                participant.stop()
        return next((problem for each in participants.values() if (problem := each.problem())), None)


def _line(event: Event) -> str:
    detail = event.detail
    match event.name:
        case "joined":
            return f"joined {detail['run']} as worker {detail['worker']} of {detail['workers']}"
        case "begun":
            offset = float(detail["offset_seconds"])
            clock = f"; this clock is {offset:+.6f} s off the master's" if offset else ""
            return f"the load begins{clock}"
        case "ended":
            return f"ended: {detail['reason']}"
        case _:
            return ""


def _count(words: str) -> int:
    """Of ``--processes``. Raises ConfigError."""
    if words == "cores":
        return len(os.sched_getaffinity(0))
    if not (words.isdecimal() and 0 < int(words) <= 256):
        raise ConfigError(
            f'"{words}" is no number of processes', "--processes", "such as 2, or cores: one for each core"
        )
    return int(words)
