"""docs/your-own-system.md, followed as a new user would: every file that it shows, every command in its order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.plan import LevelName, PhaseName
from harness.store.read import read_run
from tests.support.command import PROJECT, PROOFLOAD, phase_began, run_directory, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

PAGE = (PROJECT / "docs" / "your-own-system.md").read_text()
SECRET = "geheim-4711"


def shown(name: str) -> str:
    """The file that the page shows."""
    found = re.search(rf"^```\w*\n# {re.escape(name)}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "shop.py").write_text(shown("shop.py"))
    process = subprocess.Popen([sys.executable, "shop.py", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(10)
    process.stdout.close()


def test_from_nothing_to_a_verdict(port: str, tmp_path: Path) -> None:
    # Somebody's database that is not there: its password must not be, either.
    secrets = {
        "PROOFLOAD_POSTGRES_DSN": f"postgresql://u:{SECRET}@127.0.0.1:1/shop",
        "PROOFLOAD_PGBOUNCER_DSN": f"postgresql://u:{SECRET}@127.0.0.1:1/pgbouncer",
        "PROOFLOAD_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
        "PROOFLOAD_CELERY_QUEUES": "default",
    }
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1", **secrets}

    def command(line: str) -> None:
        words = line.replace(":8000", f":{port}").split()
        assert line in PAGE
        subprocess.run([*PROOFLOAD, *words[1:]], cwd=tmp_path, env=environment, check=True, capture_output=True)

    command("proofload init shop")
    command("proofload show ./shop.toml")
    command("proofload plan ./shop.toml --stage 1")
    plan = tmp_path / "shop.toml"
    before = plan.read_text()
    start, end = before.index("[flows.reader]"), before.index("# A stage of the plan")
    plan.write_text(before[:start] + shown("shop.toml") + "\n" + before[end:])
    (tmp_path / "shop_flows.py").write_text(shown("shop_flows.py"))

    line = "proofload verify ./shop.toml --stage 1 --stack external --host http://127.0.0.1:8000"
    assert line in PAGE
    log, runs = tmp_path / "verify.log", tmp_path / "runs"
    words = line.replace(":8000", f":{port}").split()[1:]
    with log.open("wb") as output:
        process = subprocess.Popen([*PROOFLOAD, *words], stdout=output, stderr=output, cwd=tmp_path, env=environment)
    wait_for(lambda: phase_began(runs, LevelName.PEAK, PhaseName.RAMP), 90, process, log)
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 11, log.read_text()

    run = run_directory(runs)
    assert run is not None
    evidence = read_run(run)
    assert {row.endpoint for row in evidence.requests} == {"GET /products", "GET /products/:id"}
    assert not any(row.error_kinds for row in evidence.requests)
    assert {sample.source for sample in evidence.servers} == {"host", "postgres", "pgbouncer", "redis", "celery"}
    assert all(sample.gap for sample in evidence.servers if sample.source != "host")
    told = [path for path in (log, *run.rglob("*")) if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert told == []
