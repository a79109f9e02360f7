import pytest

from harness.errors import TargetError
from harness.model.units import Unit
from harness.planning.override import override
from harness.planning.predictions import predictions_of
from targets.loader import TARGETS_FOLDER, load_target, parse_target

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
