"""First contentful paint: a quantile of page views, with what was not seen left open."""

from __future__ import annotations

from dataclasses import replace

from harness.analysis.judge import judge
from harness.analysis.observations import Unobserved
from harness.analysis.slis import sli
from harness.model.figure import Citation, Figure, Provenance
from harness.model.samples import PageView
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Unit
from harness.model.verdict import Outcome, Verdict
from tests.support.evidence import START, make_evidence

WHERE = Citation("plan.md", "Targets")
LIMIT = Figure("bound", 1.5, Unit.SECONDS, Provenance.STATED, WHERE)
SLO = Slo(
    "paint",
    "First contentful paint",
    "first_contentful_paint_seconds",
    SloKind.QUANTILE,
    Comparison.AT_MOST,
    None,
    LIMIT,
    ("peak",),
    WHERE,
    0.75,
)


def judged(*pages: PageView, slo: Slo = SLO) -> Verdict:
    evidence = make_evidence()
    stage = replace(evidence.subject.stage, slos=(*evidence.subject.stage.slos, slo))
    evidence = replace(evidence, subject=replace(evidence.subject, stage=stage), pages=pages)
    found = judge(evidence).cell("paint", "peak")
    assert found is not None
    return found


def views(*paints: float | None) -> list[PageView]:
    """Evenly over the peak's measure phase."""
    measure = make_evidence().plan.level("peak").phases[2]
    step = measure.duration_seconds / len(paints)
    return [
        PageView(
            START + measure.start_seconds + (number + 0.5) * step,
            paint,
            200 if paint else 0,
            reason="" if paint else "nothing was painted within 10 s",
        )
        for number, paint in enumerate(paints)
    ]


def test_eleven_good_views_are_enough_for_p75() -> None:
    found = judged(*views(*[0.2] * 11))
    assert found.outcome is Outcome.PASS
    assert found.measurement is not None
    assert (found.measurement.n, found.measurement.bad) == (11, 0)


def test_ten_are_not_and_it_says_how_many_are() -> None:
    found = judged(*views(*[0.2] * 10))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "about 1 more page views needed" in found.reason


def test_pages_that_paint_nothing_are_over_every_bound() -> None:
    found = judged(*views(*[None] * 15))
    assert found.outcome is Outcome.FAIL


def test_the_bound_is_held_against_the_very_time() -> None:
    assert judged(*views(*[1.5] * 15)).outcome is Outcome.PASS
    assert judged(*views(*[1.500001] * 15)).outcome is Outcome.FAIL


def test_views_that_were_missed_are_not_taken_for_good() -> None:
    pages = views(*[0.2] * 11)
    missed = [replace(page, paint_seconds=None, opened=False, reason="missed") for page in views(*[0.2] * 8)]
    assert judged(*pages, *missed).outcome is Outcome.INCONCLUSIVE


def test_other_phases_do_not_count() -> None:
    page = replace(views(0.2)[0], monotonic_seconds=START + 1)
    assert "no browser saw the page" in judged(page).reason


def test_without_chromium_the_reason_says_how_to_install_it() -> None:
    reason = "there is no Chromium to open the page with; apt-get install chromium"
    evidence = replace(make_evidence(), pages=(PageView(START - 3, None, opened=False, reason=reason),))
    found = sli(SLO.sli).observe(evidence, evidence.plan.level("peak"))
    assert found == Unobserved(f"no browser saw the page: {reason}")
    assert judged().outcome is Outcome.INCONCLUSIVE


LOADED = replace(SLO, title="Page load", sli="page_load_seconds")


def loads(*seconds: float | None) -> list[PageView]:
    """Painted at once, loaded after so long."""
    pages = views(*[0.2] * len(seconds))
    return [replace(page, load_seconds=taken) for page, taken in zip(pages, seconds, strict=True)]


def test_a_page_has_loaded_when_all_of_it_is_there() -> None:
    assert judged(*loads(*[1.5] * 11), slo=LOADED).outcome is Outcome.PASS
    assert judged(*loads(*[1.500001] * 15), slo=LOADED).outcome is Outcome.FAIL
    assert judged(*loads(*[1.500001] * 15)).outcome is Outcome.PASS, "its paint was in time"


def test_a_page_that_was_painted_and_never_loaded_is_bad() -> None:
    found = judged(*loads(*[None] * 15), slo=LOADED)
    assert found.outcome is Outcome.FAIL
    assert found.measurement is not None
    assert found.measurement.bad == 15


def test_without_chromium_nothing_is_said_of_loads() -> None:
    pages = PageView(START - 3, None, opened=False, reason="there is no Chromium")
    assert judged(pages, slo=LOADED).outcome is Outcome.INCONCLUSIVE
