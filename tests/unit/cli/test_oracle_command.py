"""``proofload oracle``: what can be started, and what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness.cli.oracle
from harness.oracle.kinds import KINDS
from harness.oracle.metrics import Lie
from harness.oracle.server import Spec


@pytest.mark.parametrize("arguments", [("oracle",), ("oracle", "list")])
def test_the_kinds_are_listed(printed, arguments: tuple[str, ...]) -> None:
    code, out, _ = printed(*arguments)
    assert code == 0
    for kind in KINDS:
        assert f"{kind.name} " in out
        assert kind.summary in out


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_has_help_with_an_example(printed, kind: str) -> None:
    code, out, _ = printed("oracle", kind, "--help")
    assert code == 0
    assert f"proofload oracle {kind}" in out
    assert "--port" in out


def test_what_is_given_is_what_is_served(printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[Spec] = []

    def serve(spec: Spec, ready) -> None:
        served.append(spec)
        ready("http://127.0.0.1:1")

    monkeypatch.setattr(harness.cli.oracle, "serve", serve)
    log = tmp_path / "log.jsonl"
    code, out, _ = printed(
        *("oracle", "mmc", "--servers", "3", "--service-ms", "20", "--seed", "9", "--port", "8080", "--for", "5"),
        *("--log", str(log), "--freeze-metrics-after", "4"),
    )
    assert code == 0
    assert "http://127.0.0.1:1" in out
    (spec,) = served
    assert (spec.kind.name, spec.seed, spec.port, spec.life_seconds, spec.log) == ("mmc", 9, 8080, 5.0, log)
    assert (spec.parameters.servers, spec.parameters.service_seconds) == (3, 0.02)
    assert spec.lie == Lie(freeze_after_seconds=4.0)


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("mcm",), ['error: there is no kind "mcm"', "   at: proofload oracle", ' hint: did you mean "mmc"?']),
        (
            ("mmc", "--servers", "0"),
            [
                "error: servers is 0, and cannot be below 1",
                "   at: proofload oracle mmc",
                " hint: proofload oracle mmc --help",
            ],
        ),
        (
            ("mdc", "--port", "99999"),
            [
                "error: port 99999 cannot be had: there is no such port",
                "   at: --port",
                " hint: leave --port out, and a free one is taken",
            ],
        ),
        (
            ("mdc", "--for", "0"),
            [
                "error: a server lives for more than 0 seconds",
                "   at: --for",
                " hint: leave it out to end it by Ctrl-C",
            ],
        ),
        (
            ("mdc", "--reset-metrics-after", "-1"),
            [
                "error: a lie cannot begin before the first request",
                "   at: proofload oracle mdc",
                " hint: proofload oracle mdc --help",
            ],
        ),
    ],
)
def test_what_cannot_be_started(printed, arguments: tuple[str, ...], lines: list[str]) -> None:
    code, _, err = printed("oracle", *arguments)
    assert code == 20
    assert err.splitlines() == lines
