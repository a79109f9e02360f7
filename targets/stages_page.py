"""docs/stages.md: what a run of each stage of each plan can say, on a host of a given size.

python -m targets.stages_page      writes the page anew
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.model.figure import Figure, Provenance
from harness.model.hostsize import compare_host
from harness.model.target import CapacityTarget, Stage
from harness.model.units import Unit, format_quantity
from harness.planning.budget import Budget, budget
from harness.planning.build import build_plan
from harness.planning.outlook import Outlook, outlook
from harness.planning.profiles import profile_named
from targets.coverage_page import shipped

PAGE = Path(__file__).parents[1] / "docs" / "stages.md"
CPU_CORES = 2.0
MEMORY_BYTES = 24.0 * 1024**3
"""Of the host that the page is about: a small virtual machine, as many a CI has."""
PROFILE_NAMES = ("smoke", "standard")


def dry_run(target: CapacityTarget, stage: Stage, profile: str) -> tuple[Budget, Outlook]:
    """A run of the stage on that host, without doing it."""
    cost = budget(build_plan(target, stage, profile_named(profile), seed=7), stage)
    host = compare_host(stage, CPU_CORES, MEMORY_BYTES)
    return cost, outlook(cost, profile, host, cpu_cores=CPU_CORES)


def stages_page(targets: Iterable[CapacityTarget]) -> str:
    """The page, in Markdown."""
    return "\n".join(_lines(tuple(targets))) + "\n"


def _lines(targets: tuple[CapacityTarget, ...]) -> Iterator[str]:
    yield "# What a run of each stage can say"
    yield ""
    yield f"On a host of {CPU_CORES:g} CPUs and {format_quantity(MEMORY_BYTES, Unit.BYTES)}. Made from the data by"
    yield "`python -m targets.stages_page`; `proofload plan SYSTEM --stage S` says the same for the machine at hand and"
    yield "any profile, before anything is started."
    yield ""
    yield "PASS and FAIL stand where a sound run can end so; INCONCLUSIVE is possible everywhere, and an unsound run is"
    yield "INVALID. A stage smaller than the host is held to its size by limits; without them its PASS is INVALID."
    yield "What the load generator needs comes on top of the stage's own size: its most in the standard profile,"
    yield "ESTIMATED at about twice what was measured."
    for target in targets:
        yield from _system(target)


def _system(target: CapacityTarget) -> Iterator[str]:
    yield ""
    yield f"## {target.title}"
    yield ""
    yield f"| stage | peak | the stage's host | generator | {' | '.join(PROFILE_NAMES)} | why |"
    yield f"|--|--|--|--|{'--|' * len(PROFILE_NAMES)}--|"
    for stage in target.stages:
        runs = {name: dry_run(target, stage, name) for name in PROFILE_NAMES}
        cost, _ = runs[PROFILE_NAMES[-1]]
        outcomes = " | ".join(seen.words for _, seen in runs.values())
        why = "<br>".join(_reasons({name: seen.obstacles for name, (_, seen) in runs.items()})) or "–"
        peak = _marked(stage.figure("peak_rps"), cost.levels[1].rate_per_second)
        yield f"| {stage.name} | {peak} | {_size(stage)} | {_cores(cost)} | {outcomes} | {why} |"


def _size(stage: Stage) -> str:
    """The smaller end of a range, with which a stage is proven."""
    return ", ".join(_marked(figure, figure.value) for figure in (stage.figure("vcpu"), stage.figure("memory")))


def _marked(figure: Figure, value: float) -> str:
    """What is not the plan's own says so."""
    text = format_quantity(value, figure.unit)
    return text if figure.provenance is Provenance.STATED else f"{text} ({figure.provenance})"


def _cores(cost: Budget) -> str:
    return f"{cost.generator_cores:.2g} CPUs" if cost.generator_cores >= 0.1 else "under 0.1 CPUs"


def _reasons(lines: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Each once, in order; those of one profile alone name it."""
    said: set[str] = set()
    for profile, its in lines.items():
        for line in its:
            everywhere = all(line in other for other in lines.values())
            if line not in said:
                yield line if everywhere or f"profile {profile}" in line else f"{profile}: {line}"
            said.add(line)


if __name__ == "__main__":
    PAGE.write_text(stages_page(shipped()), encoding="utf-8")
