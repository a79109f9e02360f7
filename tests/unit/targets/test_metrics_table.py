"""[metrics]: names for numbers of the system's own, and SLOs on them, down to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.judge import judge
from harness.errors import ConfigError, TargetError
from harness.model.evidence import Evidence
from harness.model.samples import ServerSample
from harness.model.target import CapacityTarget, Metric, MetricKind
from harness.model.units import Unit
from harness.model.verdict import Outcome, RuleVerdict, Verdict
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


RULES = """
[[rules]]
id = "mails-up"
title = "Mails waiting"
purpose = "alert"
severity = "critical"
sli = "metric.mails_waiting"
above = "500 count"
for = "20 s"
levels = ["peak"]
cite = "Alerts"

[[rules]]
id = "mails-band"
title = "Mails waiting"
purpose = "band"
sli = "metric.mails_waiting"
target = "10-50 count"
levels = ["peak"]
cite = "Alerts"

[[rules]]
id = "cpu-with-mails"
title = "CPU"
purpose = "alert"
severity = "critical"
sli = "stack_cpu_ratio"
above = "1 %"
only_with = "metric.mails_waiting"
levels = ["peak"]
cite = "Alerts"
"""


def shop() -> CapacityTarget:
    return parse_target(STARTER + TABLES + RULES, "shop.toml")


def with_mails(waiting: tuple[float, ...]) -> Evidence:
    """A run in which so many mails were waiting, its peak in a level of 30 s."""
    evidence = make_evidence()
    seconds = range(0, int(evidence.plan.duration_seconds), 5)
    rows = tuple(
        ServerSample(START + second, "metrics SHOP_METRICS_URL", {"mails_waiting": each}, period_seconds=5.0)
        for second in seconds
        for each in waiting
    )
    return replace(evidence, servers=evidence.servers + rows)


def held(rule: str, *waiting: float) -> RuleVerdict:
    evidence = with_mails(waiting)
    stage = replace(evidence.subject.stage, rules=shop().stage("1").rules)
    (found,) = (
        each
        for each in judge(replace(evidence, subject=replace(evidence.subject, stage=stage))).rules
        if each.rule_id == rule
    )
    return found


def judged(*waiting: float) -> Verdict:
    evidence = with_mails(waiting)
    slo = next(each for each in shop().stage("1").slos if each.id == "mails")
    stage = replace(evidence.subject.stage, slos=(*evidence.subject.stage.slos, slo))
    found = judge(replace(evidence, subject=replace(evidence.subject, stage=stage))).cell("mails", "peak")
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


def test_a_rule_on_a_metric_is_judged_in_its_thresholds_unit() -> None:
    fired = held("mails-up", 700.0)
    assert (fired.outcome, fired.state) == (Outcome.FAIL, "fired")
    assert fired.measurement is not None
    assert (fired.measurement.value, fired.measurement.unit) == (700.0, Unit.COUNT)
    assert held("mails-up", 7.0).outcome is Outcome.PASS
    unseen = held("mails-up")
    assert unseen.outcome is Outcome.INCONCLUSIVE
    assert "url_variable" in unseen.reason


def test_a_band_of_a_metric() -> None:
    assert held("mails-band", 30.0).state == "as planned"
    assert held("mails-band", 90.0).state == "under-provisioned"


def test_a_rule_that_holds_only_with_a_metric() -> None:
    assert held("cpu-with-mails", 3.0).outcome is Outcome.FAIL
    assert held("cpu-with-mails", 0.0).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('sli = "metric.mails_waiting"\nabove', 'sli = "metric.mail_waiting"\nabove', "rules[0].sli"),
        ('only_with = "metric.mails_waiting"', 'only_with = "metric.mail"', "rules[2].only_with"),
        ('for = "20 s"', 'for = "20 s"\nquantile = "95 %"', "takes no quantile"),
        ('"10-50 count"', '"10-50 count"\nover_below = "5 %"', "write the band and its edges in it"),
    ],
)
def test_mistakes_in_rules_on_metrics_are_named(old: str, new: str, mistake: str) -> None:
    assert old in RULES
    with pytest.raises(TargetError) as error:
        parse_target(STARTER + TABLES + RULES.replace(old, new, 1), "shop.toml")
    assert mistake in str(error.value.where)


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
