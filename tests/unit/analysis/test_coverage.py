from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.coverage import cut_short, end_seconds, has_begun, is_measured, unresolved
from harness.model.samples import Event
from tests.support.evidence import START, make_evidence


def ended(evidence, *events):
    """The same run with other last words; each event: name, second, reason."""
    kept = [event for event in evidence.events if event.name not in ("load-end", "generator-end", "run-end")]
    made = [
        Event(START + second, 0.0, name, {} if reason is None else {"reason": reason})
        for name, second, reason in events
    ]
    return replace(evidence, events=(*kept, *made))


@pytest.mark.parametrize(
    ("events", "said", "end"),
    [
        ([("load-end", 180, None), ("run-end", 190, "complete")], "", 180),
        ([("load-end", 180, "complete"), ("run-end", 190, "complete")], "", 180),
        ([("run-end", 84, "interrupted: Ctrl-C"), ("generator-end", 83, "interrupted")], "Ctrl-C at 83 s of 180 s", 83),
        ([("run-end", 84, "interrupted")], "Ctrl-C at 84 s of 180 s", 84),
        ([("run-end", 84, "interrupted: SIGTERM")], "SIGTERM at 84 s of 180 s", 84),
        ([("run-end", 84, "aborted: memory")], "at 84 s of 180 s aborted: memory", 84),
        (
            [("generator-end", 83, "crashed: x"), ("run-end", 84, "complete")],
            "at 83 s of 180 s the generator stopped: crashed: x",
            83,
        ),
        ([("load-end", 180, None), ("run-end", 185, "interrupted: Ctrl-C")], "Ctrl-C at 180 s of 180 s", 180),
    ],
)
def test_how_a_run_ended(events, said, end):
    evidence = ended(make_evidence(), *events)
    assert cut_short(evidence) == said
    assert end_seconds(evidence) == end


def test_a_harness_that_was_killed_watched_nothing_more_even_if_the_generator_went_on():
    evidence = make_evidence()
    servers = tuple(sample for sample in evidence.servers if sample.monotonic_seconds < START + 110)
    killed = ended(replace(evidence, servers=servers), ("load-end", 180, None), ("generator-end", 190, "completed"))
    assert "the harness was ended" in cut_short(killed)
    assert end_seconds(killed) == pytest.approx(110, abs=1)
    assert is_measured(killed, killed.plan.level("peak"))
    assert not is_measured(killed, killed.plan.level("3x-peak"))


def test_without_any_last_word_the_last_line_counts():
    evidence = make_evidence(stop_at=83.0)
    assert end_seconds(evidence) == pytest.approx(83, abs=1)
    silent = replace(evidence, generator=())
    assert end_seconds(silent) == pytest.approx(83, abs=1)


def test_levels():
    evidence = make_evidence(stop_at=86.0, stop_reason="interrupted: Ctrl-C")
    level = evidence.plan.level
    assert [is_measured(evidence, level(name)) for name in ("normal", "peak", "3x-peak")] == [True, True, False]
    assert [has_begun(evidence, level(name)) for name in ("normal", "peak", "3x-peak")] == [True, True, False]


def test_what_was_under_way_when_the_evidence_ends():
    evidence = make_evidence(stop_at=86.0, growth={"peak": 5})
    last = replace(evidence.generator[-1], requests_in_flight=30, waiting=3)
    evidence = replace(evidence, generator=(*evidence.generator[:-1], last))
    assert unresolved(evidence, evidence.plan.level("peak")) == 33
    assert unresolved(evidence, evidence.plan.level("normal")) == 0
    assert unresolved(make_evidence(), make_evidence().plan.level("recovery")) == 0


def test_a_load_that_never_began():
    evidence = replace(make_evidence(), load_start_seconds=None)
    assert cut_short(evidence) == "the load never began"
    assert end_seconds(evidence) == 0


def test_what_an_interrupted_generator_left_in_flight():
    evidence = make_evidence(stop_at=86.0, stop_reason="interrupted: Ctrl-C")
    said = {"reason": "interrupted", "requests_in_flight": 40, "arrivals_waiting": 2}
    evidence = replace(evidence, events=(*evidence.events, Event(START + 86, 0.0, "generator-end", said)))
    assert unresolved(evidence, evidence.plan.level("peak")) == 42
    assert unresolved(evidence, evidence.plan.level("normal")) == 0
