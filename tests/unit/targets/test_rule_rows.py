"""Rules in a system's file: what a run judges, and each mistake with what to write."""

from __future__ import annotations

import pytest

from harness.errors import TargetError
from harness.model.figure import Provenance
from harness.model.rule import BandRule, Fires, Purpose, TimedRule, UptimeRule
from harness.model.verdict import Severity
from harness.planning.build import build_plan
from harness.planning.profiles import PROFILES
from targets.loader import parse_target
from tests.unit.targets.test_loader import SMALL

CPU = """
[[rules]]
id = "cpu-up"
title = "CPU"
purpose = "scale-up"
sli = "stack_cpu_ratio"
above = "70 %"
for = "5 min"
cite = "Scaling"
quote = "CPU > 70% for 5 min"
"""
P95 = """
[[rules]]
id = "latency"
title = "Latency"
purpose = "alert"
severity = "critical"
sli = "http_response_seconds"
quantile = "95 %"
above = "800 ms"
for = "10 min"
levels = ["peak"]
cite = "Alerts"
"""
BAND = """
[[rules]]
id = "cpu-target"
title = "CPU"
purpose = "band"
sli = "stack_cpu_ratio"
target = "50-70 %"
cite = "Targets"
"""
UPTIME = """
[[rules]]
id = "uptime"
title = "Uptime"
purpose = "uptime"
sli = "request_success_ratio"
uptime = "99.9 %"
cite = "Targets"
"""


def rules(text):
    return parse_target(SMALL + text, "mine.toml").stage("1").rules


def test_a_threshold_with_a_duration():
    (rule,) = rules(CPU)
    assert isinstance(rule, TimedRule)
    assert (rule.fires, rule.threshold.value, rule.duration.value) == (Fires.ABOVE, 0.7, 300)
    assert (rule.purpose, rule.severity) == (Purpose.SCALE_UP, Severity.WARNING)
    assert rule.condition == "> 70 % for 5 min"
    assert str(rule.citation) == "plan.md › Scaling: “CPU > 70% for 5 min”"


def test_a_rule_without_a_duration_is_assumed_to_fire_at_once():
    (rule,) = rules(CPU.replace('for = "5 min"\n', "").replace('above = "70 %"', 'below = "30 %"'))
    assert isinstance(rule, TimedRule)
    assert (rule.fires, rule.duration.value, rule.duration.provenance) == (Fires.BELOW, 0, Provenance.ASSUMED)


def test_the_threshold_of_a_response_time_is_counted_at_record_time():
    target = parse_target(SMALL + P95, "mine.toml")
    plan = build_plan(target, target.stage("1"), PROFILES[0], 7)
    assert 0.8 in plan.thresholds_seconds
    (rule,) = target.stage("1").rules
    assert isinstance(rule, TimedRule)
    assert (rule.quantile, rule.levels, rule.severity) == (0.95, ("peak",), Severity.CRITICAL)


def test_a_bound_on_statements_is_none_that_the_generator_counts():
    text = P95.replace("http_response_seconds", "query_seconds")
    target = parse_target(SMALL + text, "mine.toml")
    assert build_plan(target, target.stage("1"), PROFILES[0], 7).thresholds_seconds == (0.5, 2.0)


def test_a_band_acts_at_its_ends_unless_it_says_where():
    (rule,) = rules(BAND)
    assert isinstance(rule, BandRule)
    assert (rule.over_below.value, rule.target.value, rule.target.top, rule.under_above.value) == (0.5, 0.5, 0.7, 0.7)
    (rule,) = rules(BAND + 'over_below = "30 %"\nunder_above = "80 %"\n')
    assert isinstance(rule, BandRule)
    assert (rule.over_below.value, rule.under_above.value) == (0.3, 0.8)


def test_an_uptime():
    (rule,) = rules(UPTIME)
    assert isinstance(rule, UptimeRule)
    assert rule.least.value == 0.999


def test_a_rule_that_nothing_measures_is_shown_and_not_judged():
    target = parse_target(SMALL + CPU.replace('sli = "stack_cpu_ratio"\n', ""), "mine.toml")
    assert target.stage("1").rules == ()
    assert [rule.id for rule in target.planned_rules] == ["cpu-up"]


def test_a_rule_of_named_stages_is_judged_there_only():
    first, _, rest = SMALL.partition("[[stages]]")
    one = rest.partition("[[slos]]")[0]
    other = one.replace('name = "1"', 'name = "2"')
    text = f"{first}[[stages]]{one}[[stages]]{other}{CPU}stages = ['2']\n"
    target = parse_target(text, "mine.toml")
    assert [len(stage.rules) for stage in target.stages] == [0, 1]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (CPU.replace('"70 %"', '"70 ms"'), "the threshold is in seconds, but stack_cpu_ratio is in ratio"),
        (CPU.replace('"70 %"', '"60-70 %"'), "the threshold is a range"),
        (CPU.replace('"5 min"', '"5 %"'), "write seconds"),
        (CPU + 'quantile = "95 %"\n', "stack_cpu_ratio takes no quantile"),
        (P95.replace('quantile = "95 %"\n', ""), "http_response_seconds needs a quantile"),
        (P95.replace('"95 %"', '"100 %"'), "a quantile lies between 0 % and 100 %"),
        (CPU.replace("stack_cpu_ratio", "oom_kills").replace('"70 %"', '"1 count"'), "no value for each window"),
        (CPU.replace("stack_cpu_ratio", "jobs_finished_ratio"), "no value for each window"),
        (CPU + 'only_with = "request_success_ratio"\n', "only_with takes a sampled series"),
        (BAND.replace('"50-70 %"', '"70 %"'), "a band is a range"),
        (BAND.replace("stack_cpu_ratio", "request_success_ratio"), "a band is for a sampled series"),
        (BAND.replace('"50-70 %"', '"50-70 ms"'), "write the band and its edges in it"),
        (BAND + 'over_below = "60 %"\n', "the band lies between"),
        (UPTIME.replace('"99.9 %"', '"100 %"'), "an uptime lies between 0 % and 100 %"),
        (UPTIME.replace("request_success_ratio", "stack_cpu_ratio"), "an uptime is held against"),
    ],
)
def test_each_mistake_says_what_to_write(text, mistake):
    with pytest.raises(TargetError) as error:
        rules(text)
    assert any(mistake in place and "rules[0]" in place for place in error.value.where)
