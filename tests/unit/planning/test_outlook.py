"""What can come out of a run, said before it."""

from __future__ import annotations

from harness.model.hostsize import compare_host
from harness.model.verdict import Outcome
from harness.planning.budget import budget
from harness.planning.build import build_plan
from harness.planning.outlook import Outlook, outlook
from harness.planning.profiles import profile_named
from targets.loader import load_target

GIB = 1024**3


def looked(
    system: str, stage: str, profile: str = "smoke", *, cores: float = 2, gib: float = 4, scale: float = 1.0
) -> Outlook:
    target = load_target(system)
    chosen = target.stage(stage)
    cost = budget(build_plan(target, chosen, profile_named(profile), 7), chosen)
    return outlook(cost, profile, compare_host(chosen, cores, gib * GIB), scale, cpu_cores=cores)


def said(system: str, stage: str, profile: str = "smoke", *, cores: float = 2, gib: float = 4, scale: float = 1.0):
    return looked(system, stage, profile, cores=cores, gib=gib, scale=scale).lines


def test_a_stage_of_the_hosts_size_can_pass_and_fail() -> None:
    assert said("lectio", "A") == ("profile smoke is long enough for every row: PASS and FAIL can both come out",)
    assert said("lectio", "A", gib=3.8) == said("lectio", "A")  # 4 GiB as a machine reports them


def test_on_a_smaller_host_a_fail_cannot_be_proven() -> None:
    assert said("lectio", "C")[0] == (
        "the host is smaller than the stage (2 of 8 CPUs, 4 GiB of 16 GiB memory): "
        "a FAIL cannot be proven, but by a lost write; a PASS would stand"
    )
    assert "FAIL can both" not in " ".join(said("lectio", "C"))


def test_on_a_larger_host_a_pass_needs_limits() -> None:
    (first, _) = said("lectio", "A", cores=8)
    assert (
        first
        == "the host is larger than the stage (8 CPUs for 2): a PASS needs its limits enforced, else it is INVALID"
    )


def test_rates_so_small_that_only_inconclusive_is_possible() -> None:
    small, open_rows, takes, never = said("flight-school", "0", cores=1, gib=0.5)
    assert small.startswith("the host is smaller")
    assert open_rows.startswith("15 of 43 rows can only be INCONCLUSIVE in profile smoke")
    assert takes == (
        "all of them that time can decide take a run of 2:53 h: no profile is so long; rates are not raised for it"
    )
    assert never == (
        "no run of this load decides Back to normal after 3x-peak at 3x-peak: "
        "a second with fewer than 5 requests says nothing"
    )


def test_a_longer_profile_is_named_where_it_is_enough() -> None:
    lines = said("flight-school", "1", cores=2, gib=4)
    assert any("such as profile " in line for line in lines)


def test_a_rehearsal_comes_first() -> None:
    lines = said("lectio", "A", scale=0.25)
    assert lines == (
        "scaled to 0.25: a rehearsal; neither a PASS nor a FAIL of the stage can come out of it",
        "profile smoke is long enough for every row",
    )


def test_what_is_possible_follows_from_host_profile_and_load() -> None:
    assert looked("lectio", "A").words == "PASS, FAIL or INCONCLUSIVE"
    assert looked("lectio", "C").words == "PASS or INCONCLUSIVE"
    assert looked("flight-school", "0", cores=1, gib=1).words == "FAIL or INCONCLUSIVE"
    assert looked("mina", "Normal", gib=24).words == "only INCONCLUSIVE"  # smaller, and rows that take longer
    assert looked("lectio", "A", scale=0.25).possible == (Outcome.INCONCLUSIVE,)


def test_a_generator_that_needs_more_than_the_host_leaves_nothing_but_inconclusive() -> None:
    seen = looked("chitlaq", "3", "standard")
    assert seen.possible == (Outcome.INCONCLUSIVE,)
    assert seen.lines[1] == (
        "the load generator alone needs about 2.3 CPUs at normal (ESTIMATED), this host has 2, the servers' among "
        "them: no PASS is to be expected"
    )


def test_a_generator_that_needs_more_only_at_3x_peak_leaves_a_fail_to_be_proven() -> None:
    target = load_target("course-organizer")
    stage = target.stage("1")
    cost = budget(build_plan(target, stage, profile_named("smoke"), 7), stage)
    seen = outlook(cost, "smoke", compare_host(stage, 2, 8 * GIB), cpu_cores=0.2)
    assert seen.possible == (Outcome.FAIL, Outcome.INCONCLUSIVE)
    assert "at 3x-peak (ESTIMATED)" in seen.lines[0]


def test_more_than_one_process_is_asked_for_where_one_does_not_do() -> None:
    lines = said("lectio", "C")
    assert lines[1] == (
        "the load generator may need about 1.9 CPUs (ESTIMATED), more than one process can use: --workers 3"
    )
    assert "--workers" not in " ".join(said("lectio", "A"))
