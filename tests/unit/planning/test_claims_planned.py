import pytest

from harness.errors import ConfigError, PlanError
from harness.model.plan import LevelName, PhaseName
from harness.model.target import Switch
from harness.planning.claims import claims_to_measure, pair_plan, pair_seconds, side
from harness.planning.sizing import size_of
from harness.planning.trials import TRIAL_PROFILES
from targets.loader import load_target

FLIGHT = load_target("flight-school")
LECTIO = load_target("lectio")


def test_claims_of_one_switch_are_neighbours():
    switches = [claim.switch for claim in claims_to_measure(FLIGHT, ())]
    assert None not in switches
    assert switches == sorted(switches, key=list(Switch).index)


def test_those_asked_for():
    assert [claim.id for claim in claims_to_measure(FLIGHT, ["indexes"])] == ["indexes"]
    with pytest.raises(ConfigError, match='no claim "index"'):
        claims_to_measure(FLIGHT, ["index"])
    with pytest.raises(ConfigError, match="nothing switches"):
        claims_to_measure(FLIGHT, ["cdn"])
    with pytest.raises(ConfigError, match="claims nothing"):
        claims_to_measure(LECTIO, ())


def test_before_and_after():
    stage = FLIGHT.stage("1")
    before, words = side(stage, Switch.INDEXES, improved=False)
    assert dict(size_of(before).application)["INDEXES"] == "0"
    assert words == ("without database indexes, set on the command line",)
    after, _ = side(stage, Switch.INDEXES, improved=True)
    assert dict(size_of(after).application)["INDEXES"] == "1"


def test_before_an_improvement_there_are_n_plus_one_queries():
    assert dict(size_of(side(FLIGHT.stage("1"), Switch.N_PLUS_ONE, improved=False)[0]).application)["N_PLUS_ONE"] == "1"


def test_only_the_normal_level_is_loaded_and_judged():
    plan = pair_plan(LECTIO, LECTIO.stage("A"), TRIAL_PROFILES[0], seed=7)
    assert [level.name for level in plan.levels] == [LevelName.NORMAL]
    assert plan.levels[0].rate.value == 50
    assert plan.levels[0].phase(PhaseName.MEASURE).duration_seconds == 20
    stage, _ = side(LECTIO.stage("A"), Switch.CACHE, improved=True)
    assert {slo.levels for slo in stage.slos} == {("normal",)}
    assert pair_seconds(plan) > 2 * plan.duration_seconds


def test_another_rate_is_the_same_mix():
    plan = pair_plan(LECTIO, LECTIO.stage("A"), TRIAL_PROFILES[0], seed=7, rate_per_second=100)
    assert (plan.levels[0].rate.value, round(plan.levels[0].users.value)) == (100, 618)
    with pytest.raises(PlanError):
        pair_plan(LECTIO, LECTIO.stage("A"), TRIAL_PROFILES[0], seed=7, rate_per_second=0)
