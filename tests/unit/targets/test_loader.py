"""A system's file: its short forms, and every mistake reported with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis import slis
from harness.errors import TargetError
from harness.model.figure import Provenance
from harness.model.slo import Comparison, SloKind
from targets import vocabulary
from targets.loader import digest, find_stage, load_file, load_target, parse_target, system_names, target_path

SMALL = """
format = 1
name = "mine"
title = "Mine"
document = "plan.md"
locustfile = "flows.py"

[flows.shopper]
kind = "http"
user_class = "Shopper"
share = "100 %"
http_steps = 4

[every_stage.sizing]
cite = "Common"
statement_timeout = "30 s"

[[stages]]
name = "1"
title = "Launch"
cite = "Stage 1"
bottleneck = { text = "memory", cite = "Stage 1 › Bottleneck" }
[stages.audience]
cite = "Stage 1 › Audience"
shoppers = "1,000 count"
[stages.server]
cite = "Stage 1 › Server"
vcpu = "2 vCPU"
[stages.sizing]
cite = "Stage 1 › Sizing"
gunicorn_workers = { is = "3 count", quote = "workers: 3" }
[stages.load]
cite = "Stage 1 › Load"
peak_rps = "50-80/s"
normal_rps = { is = "50/s", assumed = "the lower end" }
think_time = { is = "1 s", derived = "60 s ÷ 60", cite = "Elsewhere" }

[[slos]]
id = "response-time"
title = "Response time"
sli = "http_response_seconds"
quantile = "95 %"
at_most = { warning = "500 ms", critical = "2 s" }
levels = ["normal", "peak"]
cite = "{stage} › Promises"

[[stages.slos]]
id = "success"
title = "Answered"
sli = "request_success_ratio"
at_least = "99 %"
levels = ["peak"]
cite = "{stage} › Promises"
"""


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(TargetError) as caught:
        parse_target(text, "mine.toml")
    return caught.value.where


def test_a_row_may_be_its_value_alone_and_takes_the_citation_of_its_table() -> None:
    stage = parse_target(SMALL, "mine.toml").stage("1")
    peak = stage.figure("peak_rps")
    assert (peak.value, peak.high, peak.provenance) == (50, 80, Provenance.STATED)
    assert str(peak.citation) == "plan.md › Stage 1 › Load"
    assert stage.figure("think_time").citation.section == "Elsewhere"
    assert stage.figure("gunicorn_workers").citation.quote == "workers: 3"


def test_derived_and_assumed_rows_keep_their_arithmetic_and_their_reason() -> None:
    stage = parse_target(SMALL, "mine.toml").stage("1")
    assert (stage.figure("normal_rps").provenance, stage.figure("normal_rps").note) == ("assumed", "the lower end")
    assert (stage.figure("think_time").provenance, stage.figure("think_time").note) == ("derived", "60 s ÷ 60")


def test_slos_of_the_file_and_of_the_stage_come_together() -> None:
    first, second = parse_target(SMALL, "mine.toml").stage("1").slos
    assert (first.kind, first.comparison) == (SloKind.QUANTILE, Comparison.AT_MOST)
    assert first.quantile == pytest.approx(0.95)
    assert first.citation.section == "Stage 1 › Promises"
    assert (second.kind, second.comparison, second.warning) == (SloKind.PROPORTION, Comparison.AT_LEAST, None)
    assert second.critical is not None
    assert second.critical.value == pytest.approx(0.99)


def test_figures_of_every_stage_join_those_of_the_stage() -> None:
    assert parse_target(SMALL, "mine.toml").stage("1").value("statement_timeout") == 30


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"50-80/s"', '{ is = "80" }', 'stages[0].load.peak_rps: "80" has no unit; write "80/s", "80 ms", "80 count"…'),
        ('"50-80/s"', "80", 'stages[0].load.peak_rps: "80" has no unit; write "80/s", "80 ms", "80 count"…'),
        ('"50-80/s"', '"-80/s"', 'stages[0].load.peak_rps: "-80/s" is negative'),
        ('"50-80/s"', '"80-50/s"', 'stages[0].load.peak_rps: "80-50/s": the range runs backwards'),
        ('"50-80/s"', "true", 'stages[0].load.peak_rps: write a number and a unit in quotes, such as "80/s" or'),
        ('"50-80/s"', '"80 ms"', "stages[0].load.peak_rps: is in seconds, but peak_rps is in per_second"),
        ('"50-80/s"', '{ quote = "80" }', 'stages[0].load.peak_rps: no value; write is = "80/s"'),
        (
            'assumed = "the lower end"',
            'asumed = "the lower end"',
            'stages[0].load.normal_rps.asumed: unknown key "asumed"; did you mean "assumed"?',
        ),
        (
            'assumed = "the lower end"',
            'assumed = "so", derived = "1 + 1"',
            "stages[0].load.normal_rps.assumed: a figure is derived or assumed, not both",
        ),
        (
            'cite = "Stage 1 › Audience"\n',
            "",
            'stages[0].audience.shoppers: no citation; write cite = "the section\'s heading", in the row or once for '
            "its table",
        ),
        (
            "gunicorn_workers =",
            "gunicorn_worker =",
            "stages[0].sizing.gunicorn_worker: no figure that the harness reads is",
        ),
        (
            "vcpu =",
            'shoppers = "3 count"\nvcpu =',
            "stages[0].server.shoppers: a figure of that name stands in stages[0].audience.shoppers already",
        ),
        (
            'gunicorn_workers = { is = "3 count", quote = "workers: 3" }',
            'statement_timeout = "10 s"',
            "stages[0].sizing.statement_timeout: a figure of that name stands in every_stage.sizing.statement_timeout "
            "already",
        ),
        (
            "http_response_seconds",
            "http_response_second",
            'slos[0].sli: no SLI is called "http_response_second"; did you',
        ),
        ('["normal", "peak"]', '["normal", "peek"]', 'slos[0].levels: no level is called "peek"; did you mean "peak"?'),
        ('["normal", "peak"]', '["peak", "peak"]', 'slos[0].levels: the level "peak" stands twice'),
        ('["normal", "peak"]', "[]", "slos[0].levels: "),
        ('critical = "2 s"', 'critical = "2000"', 'slos[0].at_most.critical: "2000" has no unit; write "2000/s"'),
        (
            'critical = "2 s"',
            'critical = "90 %"',
            "slos[0].at_most: critical is in ratio, but http_response_seconds is in",
        ),
        ('critical = "2 s"', 'critical = "1-2 s"', "slos[0].at_most: critical is a range; a bound is one value"),
        (
            'critical = "2 s"',
            'critical = "200 ms"',
            "slos[0].at_most: the warning lies beyond the critical bound; swap",
        ),
        ('quantile = "95 %"\n', "", 'slos[0]: http_response_seconds needs a quantile, such as quantile = "95 %"'),
        ('quantile = "95 %"', 'quantile = "100 %"', "slos[0]: a quantile lies between 0 % and 100 %"),
        ('at_least = "99 %"', "at_least = {}", 'stages[0].slos[0].at_least: write { warning = "…", critical = "…" }'),
        ('at_least = "99 %"\n', "", "stages[0].slos[0]: an SLO needs a bound: at_most or at_least, one of the two"),
        (
            'at_least = "99 %"',
            'at_least = "99 %"\nkind = "gauge"',
            "stages[0].slos[0].kind: request_success_ratio is judged",
        ),
        (
            'id = "success"',
            'id = "response-time"',
            'stages[0].slos[0].id: "response-time" stands at slos[0].id already',
        ),
        ('share = "100 %"', 'share = "90 %"', "flows: the shares of the http flows add up to 90 %, not to 100 %"),
        ('share = "100 %"\n', "", "flows.shopper: an http flow needs its share of the sessions"),
        (
            'kind = "http"',
            'kind = "htp"',
            "flows.shopper.kind: \"htp\" is not possible here; write 'http', 'socketio' or",
        ),
        ('kind = "http"', 'kind = "socketio"', "flows.shopper: only http flows have a share"),
        ("format = 1", "format = 2", 'format: "2" is not possible here; write 1'),
        ('title = "Mine"\n', "", "title: missing"),
        ('name = "1"', 'name = "1 2"', 'stages[0].name: "1 2" has characters that a name may not have'),
        ('title = "Mine"', 'title = "Mine"\ntitel = "x"', 'titel: unknown key "titel"; did you mean "title"?'),
        ('levels = ["peak"]', 'levels = "peak"', "stages[0].slos[0].levels: write a list: [ … ]"),
    ],
)
def test_each_mistake_says_where_and_what_to_write(old: str, new: str, mistake: str) -> None:
    (line,) = mistakes(changed(old, new))
    assert line.startswith(f"mine.toml › {mistake}")


def test_an_unknown_stage_of_an_slo_and_a_stage_that_stands_twice() -> None:
    text = changed('cite = "{stage} › Promises"\n\n', 'cite = "x"\nstages = ["1", "7"]\n\n')
    assert mistakes(text) == ('mine.toml › slos[0].stages: no stage is called "7"; there are 1',)
    stage = SMALL[SMALL.index("[[stages]]") : SMALL.index("[[slos]]")]
    assert mistakes(SMALL + stage) == ('mine.toml › stages[1].name: "1" stands at stages[0].name already',)


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    text = SMALL
    for old, new in (
        ('"50-80/s"', '"80"'),
        ('"2 vCPU"', '"2 GiB"'),
        ("http_response_seconds", "http_seconds"),
        ('id = "success"', 'id = "response-time"'),
        ('share = "100 %"', 'share = "90 %"'),
        ('title = "Mine"\n', ""),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    with pytest.raises(TargetError, match="6 mistakes in mine") as caught:
        parse_target(text, "mine.toml")
    assert len(caught.value.where) == 6
    assert caught.value.exit_code == 20


def test_a_file_that_is_no_toml_says_the_line() -> None:
    with pytest.raises(TargetError, match="not a TOML file") as caught:
        parse_target("name = \n", "mine.toml")
    assert "line 1" in caught.value.where[0]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="cannot be read as text"):
        load_file(path)


def test_one_s_own_file_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert load_target(str(path)).title == "Mine"
    assert len(digest(path)) == 64
    with pytest.raises(TargetError, match="no such file"):
        target_path(str(tmp_path / "other.toml"))


def test_an_unknown_system_or_stage_names_those_that_there_are() -> None:
    with pytest.raises(TargetError, match='no system is called "lectoi"') as caught:
        load_target("lectoi")
    assert caught.value.hint.startswith('did you mean "lectio"? systems: ')
    with pytest.raises(TargetError, match='Lectio Space has no stage "D"') as caught:
        find_stage(load_target("lectio"), "D")
    assert caught.value.hint == "stages: A, B, C"
    assert find_stage(load_target("LECTIO"), "a").name == "A"


@pytest.mark.parametrize("name", system_names())
def test_every_system_that_comes_with_proofload_can_be_loaded(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    assert target.stages


def test_every_sli_that_can_be_bounded_can_be_measured_in_the_same_unit() -> None:
    assert {sli.name: sli.unit for sli in vocabulary.SLIS} == {sli.name: sli.unit for sli in slis.SLIS}
