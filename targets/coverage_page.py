"""docs/coverage.md: of every row of every plan, how it is checked.

python -m targets.coverage_page      writes the page anew
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.model.target import CapacityTarget, Check, Coverage
from targets.loader import load_target, system_names

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
_MEANINGS = {
    Check.MEASURED: "a run applies it, reads it back, or bounds what it measures by it",
    Check.COMPUTED: "`proofload audit` calculates with it",
    Check.MODELLED: "something simpler stands in for what the plan speaks of",
    Check.STATED_ONLY: "it is shown, and nothing more",
}


def coverage_page(targets: Iterable[CapacityTarget]) -> str:
    """The page, in Markdown."""
    return "\n".join(_lines(tuple(targets))) + "\n"


def _lines(targets: tuple[CapacityTarget, ...]) -> Iterator[str]:
    yield "# What is checked of each plan"
    yield ""
    yield "Every row of every file in targets/, in its order. Made from the data by `python -m targets.coverage_page`."
    yield "A figure in *italics* is not the plan's own: derived from it, or assumed because it is silent."
    yield ""
    yield from (f"- **{check}**: {meaning}." for check, meaning in _MEANINGS.items())
    yield ""
    yield f"| system | {' | '.join(Check)} | all |"
    yield f"|--|{'--|' * (len(Check) + 1)}"
    for target in targets:
        counts = Counter(row.check for row in target.coverage)
        cells = " | ".join(str(counts[check]) for check in Check)
        yield f"| [{target.title}](#{_anchor(target)}) | {cells} | {len(target.coverage)} |"
    for target in targets:
        yield from _system(target)


def _anchor(target: CapacityTarget) -> str:
    return target.title.lower().replace(" ", "-")


def _system(target: CapacityTarget) -> Iterator[str]:
    yield ""
    yield f"## {target.title}"
    yield ""
    yield f"From {target.document}."
    heading = ""
    for row in target.coverage:
        group, name = _parts(row.path)
        if group != heading:
            heading = group
            yield ""
            yield f"### {heading}"
            yield ""
            yield "| row | what | checked | section |"
            yield "|--|--|--|--|"
        yield f"| {name} | {_what(row)} | {_checked(row)} | {_cell(row.citation.section)} |"


def _parts(path: str) -> tuple[str, str]:
    """Table and row of a path: ``stages.A.load.peak_rps``, ``facts[0].items[2]``."""
    group, _, name = path.rpartition(".")
    return (group.removesuffix(".items"), name) if group else (path, "")


def _what(row: Coverage) -> str:
    own = row.provenance is None or row.provenance.value == "stated"
    return _cell(row.text) if own else f"*{_cell(row.text)}*"


def _checked(row: Coverage) -> str:
    return f"{row.check}: {_cell(row.why)}" if row.why else str(row.check)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def shipped() -> Iterator[CapacityTarget]:
    """The systems that come with Proofload."""
    return (load_target(name) for name in system_names())


if __name__ == "__main__":
    PAGE.write_text(coverage_page(shipped()), encoding="utf-8")
