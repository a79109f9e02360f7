import pytest

from harness.errors import TargetError
from harness.model.units import Unit
from harness.planning.override import override
from harness.planning.predictions import predictions_of
from targets.loader import TARGETS_FOLDER, load_target, parse_target, system_names

LECTIO = (TARGETS_FOLDER / "lectio.toml").read_text(encoding="utf-8")


def of(system, stage, name):
    target = load_target(system)
    return next(each for each in predictions_of(target, target.stage(stage)) if each.id == name)


def test_an_expression_is_calculated_for_the_stage():
    found = of("lectio", "B", "rate-per-core")
    assert (found.low, found.high, found.unit) == (45, 45, Unit.PER_SECOND)
    assert found.arithmetic == "180/s ÷ 4 CPU = 45/s"
    assert [citation.section for citation in found.citations] == [
        "Stage B: Growth › Ожидаемая нагрузка",
        "Stage B: Growth › Характеристики сервера",
    ]


def test_a_formula_names_its_source():
    found = of("flight-school", "0", "connections-mvp")
    assert found.low == 35
    assert "flight-school.md" in found.formulas[0]


def test_only_those_of_the_stage():
    target = load_target("flight-school")
    assert "connections-mvp" not in {each.id for each in predictions_of(target, target.stage("1"))}


def test_a_figure_that_was_set_otherwise_is_predicted_with():
    target = load_target("flight-school")
    stage = override(target.stage("0"), ("peak_rps=1/s",))
    found = next(each for each in predictions_of(target, stage) if each.id == "under-way")
    assert found.low == pytest.approx(0.2)
    assert found.assumed


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('measure = "sockets"\nequals = "stages.{stage}.load.no_such"', "there is no figure"),
        ('measure = "sockets"\nequals = "stages.{stage}.server.memory"', "is in bytes"),
        ('measure = "socket"\nequals = "1"', 'nothing measures "socket"; did you mean "sockets"'),
        ('measure = "sockets"', "write what is predicted"),
        ('measure = "sockets"\nequals = "1"\nat_most = "2"', "one of the three"),
        ('measure = "sockets"\nequals = "1"\nstages = ["Z"]', 'no stage is called "Z"'),
        ('measure = "sockets"\nequals = "1"\nquote = "so"', "a quote needs its section"),
    ],
)
def test_mistakes_are_told_with_their_place(row, message):
    with pytest.raises(TargetError) as told:
        parse_target(f'{LECTIO}\n[[predictions]]\nid = "mine"\ntitle = "Mine"\n{row}\n', "mine.toml")
    assert "predictions" in str(told.value.where)
    assert message in str(told.value.where)


@pytest.mark.parametrize("system", system_names())
def test_every_stage_of_every_plan_is_predicted(system):
    target = load_target(system)
    for stage in target.stages:
        rows = predictions_of(target, stage)
        assert len(rows) >= 4
        assert all(row.citations and 0 < row.low <= row.high for row in rows)


@pytest.mark.parametrize(
    ("system", "stage", "name", "low", "high"),
    [
        ("mina", "Peak", "connections-needed", 120, 120),  # the plan's own worked example
        ("mina", "Max", "connections-needed", 300, 300),  # and its second one, which it then caps at 240
        ("mina", "Max", "connections", 240, 240),
        ("mina", "Development", "connections-needed-development", 3, 3),
        ("mina", "Peak", "socket-memory-audio", 50 * 1024**2, 100 * 1024**2),
        ("mina", "Max", "sustained-rate", 1000, 1000),
        ("mina", "Max", "cache-target", 0.7, 0.8),
        ("chitlaq", "baseline", "answer-size", 10_000, 10_000),  # 1 GB ÷ 100,000 calls
        ("chitlaq", "1", "bandwidth", 1e10 / 86_400, 1e10 / 86_400),  # 10 GB a day
        ("chitlaq", "baseline", "bandwidth-limit", 16e12 / 30 / 86_400, 16e12 / 30 / 86_400),
        ("chitlaq", "2", "rate-per-core", 500, 500),
        ("course-organizer", "1", "socket-memory", 10_000, 50_000),
        ("course-organizer", "1", "under-way", 2.5, 10),
        ("course-organizer", "1", "rate-per-core", 25, 25),  # 50/s on the smaller machine of two vCPU
        ("course-organizer", "4", "socket-latency", 0.005, 0.015),
        ("course-organizer", "3", "socket-redis", 50e6, 50e6),
    ],
)
def test_known_answers(system, stage, name, low, high):
    found = of(system, stage, name)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-3)
