"""docker/kubernetes holds what Kubernetes accepts, closed as far as it can be, and what images and command know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
FILES = sorted((DOCKER / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.29", kubernetes_validate.latest_version())
"""The oldest and the newest that are meant to take the manifests."""


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def objects(kind: str) -> dict[str, dict[str, Any]]:
    found = [one for path in FILES for one in documents(path) if one["kind"] == kind]
    return {one["metadata"]["name"]: one for one in found}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_manifest_is_what_kubernetes_accepts(path: Path, version: str) -> None:
    assert documents(path)
    for one in documents(path):
        kubernetes_validate.validate(one, version, strict=True)


def test_a_mistake_is_found() -> None:
    (job,) = (one for one in documents(DOCKER / "kubernetes/workers.yaml") if one["kind"] == "Job")
    job["spec"]["template"]["spec"]["containers"][0]["resources"]["limit"] = {"memory": "1Gi"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", ["proofload-master", "proofload-worker"])
def test_a_pod_may_do_nothing_but_its_work(name: str) -> None:
    pod = objects("Job")[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert container["resources"]["limits"].keys() == {"memory"}, "throttling would be measured as slowness"
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    told = {one["name"]: one["value"] for one in container["env"]}
    assert told == {"PROOFLOAD_WORKER_TOKEN_FILE": "/run/secrets/proofload/token"}


def test_workers_find_their_master_and_are_as_many_as_it_waits_for() -> None:
    master, workers = objects("Job")["proofload-master"], objects("Job")["proofload-worker"]
    config = objects("ConfigMap")["proofload"]["data"]
    assert workers["spec"]["completions"] == workers["spec"]["parallelism"] == int(config["WORKERS"])
    service = objects("Service")["proofload-master"]
    assert service["spec"]["selector"].items() <= master["spec"]["template"]["metadata"]["labels"].items()
    (port,) = service["spec"]["ports"]
    (container,) = master["spec"]["template"]["spec"]["containers"]
    assert {"name": port["targetPort"], "containerPort": port["port"], "protocol": "TCP"} in container["ports"]
    assert f"--bind=0.0.0.0:{port['port']}" in container["args"]
    (worker,) = workers["spec"]["template"]["spec"]["containers"]
    assert worker["args"] == ["worker", f"--master=proofload-master:{port['port']}"]
    named = set(re.findall(r"\$\((\w+)\)", " ".join(container["args"])))
    assert named == config.keys()


def test_images_are_targets_of_the_dockerfile_and_no_secret_is_in_the_repository() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (DOCKER / "Dockerfile").read_text(), re.M))
    for job in objects("Job").values():
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["image"].removeprefix("proofload-").removesuffix(":latest") in targets
    assert objects("Secret") == {}
    assert "USER 10001" in (DOCKER / "Dockerfile").read_text()
