"""[metrics]: names for numbers of the system's own, and SLOs on them, down to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.judge import judge
from harness.errors import ConfigError, TargetError
from harness.model.samples import ServerSample
from harness.model.target import CapacityTarget, Metric, MetricKind
from harness.model.units import Unit
from harness.model.verdict import Outcome, Verdict
from harness.stack.external import metrics_urls
from targets.loader import TARGETS_FOLDER, parse_target
from tests.support.evidence import START, make_evidence

STARTER = (TARGETS_FOLDER / "starter" / "system.toml").read_text().replace("@NAME@", "shop").replace("@FLOWS@", "f.py")
TABLES = """
[metrics.mails_waiting]
url_variable = "SHOP_METRICS_URL"
metric = "shop_queue_length"
labels = { queue = "mail" }

[[slos]]
id = "mails"
title = "Mails waiting"
sli = "metric.mails_waiting"
at_most = "100 count"
levels = ["peak"]
cite = "Alerts"
"""
MAILS = Metric("mails_waiting", "SHOP_METRICS_URL", "shop_queue_length", (("queue", "mail"),), MetricKind.GAUGE)


def shop() -> CapacityTarget:
    return parse_target(STARTER + TABLES, "shop.toml")


def judged(*waiting: float) -> Verdict:
    evidence = make_evidence()
    slo = next(each for each in shop().stage("1").slos if each.id == "mails")
    stage = replace(evidence.subject.stage, slos=(*evidence.subject.stage.slos, slo))
    seconds = range(0, int(evidence.plan.duration_seconds), 5)
    rows = tuple(
        ServerSample(START + second, "metrics SHOP_METRICS_URL", {"mails_waiting": each}, period_seconds=5.0)
        for second in seconds
        for each in waiting
    )
    changed = replace(evidence, subject=replace(evidence.subject, stage=stage), servers=evidence.servers + rows)
    found = judge(changed).cell("mails", "peak")
    assert found is not None
    return found


def test_the_table_is_read() -> None:
    assert shop().metrics == (MAILS,)


def test_an_slo_on_a_metric_is_judged_in_its_bounds_unit() -> None:
    good = judged(7.0)
    assert good.outcome is Outcome.PASS
    assert good.measurement is not None
    assert (good.measurement.value, good.measurement.unit) == (7.0, Unit.COUNT)
    assert judged(170.0).outcome is Outcome.FAIL
    unseen = judged()
    assert unseen.outcome is Outcome.INCONCLUSIVE
    assert "url_variable" in unseen.reason


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("metric.mails_waiting", "metric.mail_waiting", 'did you mean "mails_waiting"?'),
        ('"SHOP_METRICS_URL"', '"http://127.0.0.1/metrics"', "metrics.mails_waiting.url_variable"),
        ('at_most = "100 count"', 'at_most = "100 count"\nkind = "quantile"', "a metric is judged as gauge"),
        ("[metrics.mails_waiting]", "[metrics.mails_waiting]\nkind = 'gague'", "metrics.mails_waiting.kind"),
    ],
)
def test_mistakes_are_named(old: str, new: str, mistake: str) -> None:
    with pytest.raises(TargetError) as error:
        parse_target(STARTER + TABLES.replace(old, new, 1), "shop.toml")
    assert mistake in str(error.value.where)


def test_addresses_come_from_the_environment_and_are_never_repeated() -> None:
    assert metrics_urls((MAILS, MAILS), {"SHOP_METRICS_URL": "http://127.0.0.1:9100/metrics"}) == (
        ("SHOP_METRICS_URL", "http://127.0.0.1:9100/metrics"),
    )
    assert metrics_urls((MAILS,), {}) == ()
    with pytest.raises(ConfigError) as error:
        metrics_urls((MAILS,), {"SHOP_METRICS_URL": "https://u:geheim@shop.test/metrics"})
    assert error.value.where == ("SHOP_METRICS_URL",)
    assert "geheim" not in f"{error.value.message} {error.value.hint}"
