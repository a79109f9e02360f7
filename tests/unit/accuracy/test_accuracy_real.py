"""What the studies in real time calculate by themselves."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from harness.analysis.queueing import mmc_capacity_per_second
from harness.oracle.log import Served
from targets.loader import parse_target
from tests.accuracy import capacity_real, real, real_steps
from tests.accuracy.studies import REAL_NAMES


def served(mean: float, count: int = 20_000, overshoot: float = 0.0) -> list[Served]:
    services = np.random.default_rng(3).exponential(mean, count).tolist()
    return [Served(0.0, 0.0, each, each + overshoot, 200) for each in services]


@pytest.mark.parametrize("queue", capacity_real.QUEUES, ids=lambda queue: f"c = {queue.servers}")
def test_the_truth_from_a_log_is_that_of_queueing_theory(queue: capacity_real.Queue) -> None:
    exact = mmc_capacity_per_second(queue.bound_seconds, capacity_real.QUANTILE, queue.service_seconds, queue.servers)
    found = capacity_real.true_capacity(queue, served(queue.service_seconds), batch_seconds=None, seconds=600)
    assert found == pytest.approx(exact, rel=0.03)
    given_its_count = capacity_real.true_capacity(queue, served(queue.service_seconds), batch_seconds=2.0, seconds=600)
    assert given_its_count == pytest.approx(exact, rel=0.05)
    assert queue.first_rate < exact, "a search begins below the truth"


def test_what_sending_adds_costs_capacity() -> None:
    queue = capacity_real.QUEUES[0]
    log = served(queue.service_seconds)
    late = served(queue.service_seconds, overshoot=0.005)
    assert capacity_real.true_capacity(queue, late, 2.0, 300) < capacity_real.true_capacity(queue, log, 2.0, 300)


def test_a_step_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_steps, "KEPT", tmp_path)
    made = []

    def make() -> real_steps.Found:
        made.append(1)
        return {"found": 1.5}

    assert real_steps.step("study", "one", make) == real_steps.step("study", "one", make) == {"found": 1.5}
    assert len(made) == 1


def test_the_target_that_the_studies_rewrite_still_has_those_words() -> None:
    text = real_steps.TARGET.read_text()
    for words in ('"95 %"', 'at_most = "100 ms"', 'normal_rps = { is = "40/s"', 'peak_rps = { is = "60/s"'):
        assert len(re.findall(re.escape(words), text)) == 1
    assert parse_target(text.replace('"95 %"', '"90 %"'), "oracle.toml").stage("1").slos[0].quantile == 0.9


def test_every_real_study_has_its_place() -> None:
    assert tuple(real.REAL) == REAL_NAMES
