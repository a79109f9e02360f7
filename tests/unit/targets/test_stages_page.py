"""What can come out of every stage of every plan on a small host is said before a run, with the reason."""

from __future__ import annotations

import pytest

from harness.model.figure import Provenance
from harness.model.hostsize import compare_host
from harness.model.verdict import Outcome
from targets.coverage_page import shipped
from targets.loader import load_target, system_names
from targets.stages_page import CPU_CORES, MEMORY_BYTES, PAGE, PROFILE_NAMES, dry_run, stages_page

SYSTEMS = {name: load_target(name) for name in system_names()}
STAGES = [(name, stage.name) for name, target in SYSTEMS.items() for stage in target.stages]


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@pytest.mark.parametrize(("system", "name"), STAGES)
def test_a_stage_can_be_decided_or_the_reason_is_named(system: str, name: str, profile: str) -> None:
    stage = SYSTEMS[system].stage(name)
    cost, seen = dry_run(SYSTEMS[system], stage, profile)
    words = " · ".join(seen.obstacles)
    assert Outcome.INCONCLUSIVE in seen.possible
    if Outcome.FAIL not in seen.possible:
        assert "the host is smaller than the stage" in words
        assert compare_host(stage, CPU_CORES, MEMORY_BYTES).smaller
    if Outcome.PASS not in seen.possible:
        too_short = any(not sample.enough for sample in cost.samples)
        too_much = cost.generator_cores >= CPU_CORES
        assert too_short or too_much
        assert ("can only be INCONCLUSIVE in profile" in words) == too_short
        assert ("the load generator alone needs" in words) == too_much
    if Outcome.PASS in seen.possible and Outcome.FAIL in seen.possible:
        assert "PASS and FAIL can both come out" in " ".join(seen.lines)


@pytest.mark.parametrize(("system", "name"), STAGES)
def test_a_row_that_this_profile_cannot_decide_says_what_would(system: str, name: str) -> None:
    cost, _ = dry_run(SYSTEMS[system], SYSTEMS[system].stage(name), "smoke")
    for sample in cost.samples:
        if not sample.enough:
            assert sample.run_seconds is not None or sample.reason.endswith(("says nothing", "none at this level"))


def test_one_stage_and_more_of_each_kind() -> None:
    """Both verdicts, one of them, none: else the page would say nothing."""
    words = {dry_run(SYSTEMS[system], SYSTEMS[system].stage(name), "standard")[1].words for system, name in STAGES}
    assert words == {
        "PASS, FAIL or INCONCLUSIVE",
        "PASS or INCONCLUSIVE",
        "FAIL or INCONCLUSIVE",
        "only INCONCLUSIVE",
    }


def test_the_page_is_that_of_the_data(update_golden: bool) -> None:
    page = stages_page(shipped())
    if update_golden:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run python -m targets.stages_page"
    for system, name in STAGES:
        _, _, section = page.partition(f"## {SYSTEMS[system].title}\n")
        assert f"\n| {name} | " in section.split("\n## ")[0]


def test_the_readme_names_every_stage_with_its_peak() -> None:
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8").splitlines()
    for system, target in SYSTEMS.items():
        (row,) = (line for line in readme if line.startswith(f"| `{system}` "))
        _, _, stages, does, measured, _ = (cell.strip() for cell in row.split("|"))
        for stage in target.stages:
            assert stage.name in stages
            assert f"{stage.figure('peak_rps').top:,g}" in stages
            assumed = stage.figure("peak_rps").provenance is Provenance.ASSUMED
            assert ("assumed" in stages) == assumed
        assert does
        assert measured
    assert "first contentful paint (Chromium)" in "".join(readme)
