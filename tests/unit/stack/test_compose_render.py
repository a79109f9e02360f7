"""What compose.yaml is given for a stage: every stage of every system, and nothing that could be read otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.sizing import StackSize
from harness.planning.sizing import Audience, as_started, audience_of, size_of
from harness.stack import compose_render
from harness.stack.compose_render import (
    COMPOSE_FILE,
    IMAGE_INPUTS,
    SECRETS,
    Options,
    Rendered,
    env_text,
    image_tag,
    render,
    write,
)
from harness.stack.host import HostSize, Share, share_of
from harness.stack.places import DOCKER
from targets.loader import load_target
from tests.unit.planning.test_sizing_of_stages import SIZE_A

SYSTEMS = ("lectio", "course-organizer", "chitlaq", "flight-school", "mina")
STAGES = [(system, stage.name) for system in SYSTEMS for stage in load_target(system).stages]
HOST = HostSize(2, 8 * 1024**3)
PEOPLE = Audience("lectio", (("teachers", 3), ("students", 20)))
OPTIONS = Options("proofload-test", Path("/stack"), Path("/logs"))


def rendered(size: StackSize = SIZE_A, options: Options = OPTIONS) -> Rendered:
    passwords = iter(f"secret-{number}" for number in range(100))
    return render(size, PEOPLE, share_of(HOST, size), options, seed=7, password=lambda: next(passwords))


def of_stage(system: str, stage: str) -> Rendered:
    target = load_target(system)
    size = size_of(target.stage(stage))
    return render(size, audience_of(target, target.stage(stage)), share_of(HOST, size), OPTIONS, seed=7)


def read_env(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize(("system", "stage"), STAGES)
def test_every_stage_gives_compose_everything_that_it_asks_for(system: str, stage: str) -> None:
    made = of_stage(system, stage)
    given = read_env(made.files["stack.env"])
    compose = COMPOSE_FILE.read_text()
    asked = set(re.findall(r"\$\{(\w+)\}", compose)) | {"COMPOSE_PROJECT_NAME"}
    assert sorted(asked - given.keys()) == []
    files = set(re.findall(r"\$\{STACK_FOLDER\}/([\w./-]+)", compose))
    unused = set() if made.has_pgbouncer else {"pgbouncer.ini"}
    assert sorted(files - made.files.keys()) == sorted(unused)
    profiles = set(given["COMPOSE_PROFILES"].split(",")) - {""}
    assert profiles <= set(re.findall(r"profiles: \[(\w+)\]", compose))
    services = re.findall(
        r"^  ([a-z-]+):(?: &\w+)?$", compose.partition("\nservices:")[2].partition("\nconfigs:")[0], re.M
    )
    assert set(made.services) <= set(services)
    # Never more than the host has, and what is planned where it has it.
    assert float(given["STACK_CPUS"]) == min(2.0, made.size.cpu_cores)
    assert int(given["STACK_MEMORY"]) == min(HOST.memory_bytes, made.size.memory_bytes)
    workers = int(re.search(r"--workers=(\d+)", given["GUNICORN_ARGUMENTS"]).group(1))  # type: ignore[union-attr]
    assert workers * int(given["APP_SERVERS"]) == made.size.gunicorn_workers
    assert f"max_connections = {made.size.postgres_max_connections}\n" in made.files["postgresql.conf"]


def test_stage_a_is_small_and_direct() -> None:
    made = rendered()
    assert made.services == ("postgres", "redis", "setup", "app", "celery-default", "nginx")
    assert made.environment["DATABASE_ADDRESS"] == "postgres:5432"
    assert "pgbouncer.ini" not in made.files
    assert "HEAVY_QUEUE=0\n" in made.files["application.env"]


def test_pgbouncer_heavy_queue_and_replica_come_with_their_stage() -> None:
    size = replace(SIZE_A, pgbouncer_pool_size=30, celery_heavy_workers=2, read_replicas=2, app_servers=3)
    made = rendered(size)
    assert made.deviations == ("1 read replica for 2: one stands in for all of them",)
    assert made.environment["READ_DATABASE_ADDRESS"] == "pgbouncer:6432/refapp_read"
    assert "\nrefapp_read = host=replica port=5432 dbname=refapp\n" in made.files["pgbouncer.ini"]
    direct = rendered(replace(size, pgbouncer_pool_size=None, gunicorn_workers=3))
    assert direct.environment["READ_DATABASE_ADDRESS"] == "replica:5432/refapp"
    assert rendered().environment["READ_DATABASE_ADDRESS"] == ""
    assert made.environment["COMPOSE_PROFILES"] == "pgbouncer,heavy,replica"
    assert made.environment["DATABASE_ADDRESS"] == "pgbouncer:6432"
    assert made.environment["APP_SERVERS"] == "3"
    assert "--concurrency=2" in made.environment["CELERY_HEAVY_ARGUMENTS"]
    assert "default_pool_size = 30" in made.files["pgbouncer.ini"]
    assert made.services.index("postgres") < made.services.index("pgbouncer") < made.services.index("app")
    assert made.services[-1] == "nginx"


def test_workers_that_do_not_divide_are_rounded_up_and_said() -> None:
    size, deviations = as_started(replace(SIZE_A, gunicorn_workers=45, app_servers=2))
    assert size.gunicorn_workers == 46
    assert deviations == ("46 gunicorn workers for 45: 23 on each of 2 servers",)
    assert as_started(replace(SIZE_A, gunicorn_workers=8, app_servers=2))[1] == ()
    fewer, _ = as_started(replace(SIZE_A, gunicorn_workers=2, app_servers=20))
    assert (fewer.app_servers, fewer.gunicorn_workers) == (2, 2)


def test_no_password_is_in_what_compose_shows() -> None:
    made = rendered(replace(SIZE_A, pgbouncer_pool_size=30))
    for secret in made.secrets.values():
        assert [name for name, text in made.files.items() if secret in text] == [
            f"secrets/{next(name for name, value in made.secrets.items() if value == secret)}"
        ]
        assert secret not in repr(made)
    assert set(made.secrets) == set(SECRETS)


def test_below_a_parent_no_container_has_a_quota_of_its_own() -> None:
    made = rendered(options=replace(OPTIONS, cgroup_parent="/proofload-x"))
    assert made.environment["STACK_CPUS"] == "0"
    assert made.environment["CGROUP_PARENT"] == "/proofload-x"


@pytest.mark.parametrize("value", ["a\nB=1", "$HOME", "it's", 'a "b"', "a\\b", "a #b"])
def test_what_an_env_file_would_read_otherwise_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="NAME may not hold"):
        env_text({"NAME": value})


def test_files_are_closed_to_others_by_their_folder(tmp_path: Path) -> None:
    for _ in range(2):  # again over the first
        write(rendered(), tmp_path / "stack")
    assert (tmp_path / "stack").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "stack/secrets/redis").read_text() == "secret-3"


def test_images_are_named_after_what_they_are_made_of(tmp_path: Path) -> None:
    for name in IMAGE_INPUTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    first = image_tag(tmp_path)
    assert image_tag(tmp_path) == first
    (tmp_path / "app").write_text("changed")
    assert image_tag(tmp_path) != first


def test_images_come_from_the_base_alone_and_nothing_is_published_beyond_loopback() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    targets = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.M)
    known = {"${BASE}"}
    for origin, name in targets:
        assert origin in known
        known.add(name)
    assert not dockerfile.startswith("# syntax="), "it would be pulled from a registry"
    assert set(re.findall(r"^    build: \{ <<: \*build, target: (\w+)", COMPOSE_FILE.read_text(), re.M)) <= known
    compose = COMPOSE_FILE.read_text()
    ports = re.findall(r"ports: \[(.*)\]", compose)
    assert len(ports) >= 5
    assert all(port.startswith('"127.0.0.1:') for port in ports)
    assert "privileged" not in compose
    images = set(re.findall(r"image: proofload-(\w+):", compose)) | {"master"}  # of Kubernetes alone
    on_the_way = {"base", "environment", "generator-environment", "generator-code", "generator", "${BASE}"}
    assert known - on_the_way == images


def test_what_the_images_are_made_of_is_all_there() -> None:
    stack, _, generator = (DOCKER / "Dockerfile").read_text().partition("\nFROM base AS generator-environment\n")
    copied = re.findall(r"^COPY (?!--from)(\S+) ", stack, re.M)
    assert all((DOCKER.parent / name).exists() for name in copied)
    inputs = [f"docker/{each}" for each in IMAGE_INPUTS]
    assert all(any(name == each or name.startswith(f"{each}/") for each in inputs) for name in copied)
    of_the_generator = re.findall(r"^COPY (?!--from)(\S+) ", generator, re.M)
    allowed = (DOCKER.parent / ".dockerignore").read_text().splitlines()
    assert "harness" in of_the_generator
    assert all((DOCKER.parent / name).exists() for name in of_the_generator)
    assert all({f"!{name}", f"!{name.partition('/')[0]}"} & {*allowed} for name in (*copied, *of_the_generator))
    assert compose_render.SOMAXCONN >= 2048, "gunicorn's own backlog"


def test_the_share_is_what_is_given() -> None:
    made = render(SIZE_A, PEOPLE, Share(1.5, 1024, ()), OPTIONS, seed=7)
    assert (made.environment["STACK_CPUS"], made.environment["STACK_MEMORY"]) == ("1.5", "1024")
