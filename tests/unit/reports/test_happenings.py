from dataclasses import replace

from reports.happenings import happenings
from tests.support.report_values import event, make_report_evidence, never_loaded


def test_recycled_workers_bursts_and_events_in_order():
    evidence = make_report_evidence()
    evidence = replace(evidence, events=(*evidence.events, event(35, "abort", rule="errors", limit="50 %")))
    assert [(h.number, h.clock, h.words) for h in happenings(evidence)] == [
        (1, "0:12", "15 sockets reconnected"),
        (2, "0:30", "gunicorn worker recycled"),
        (3, "0:35", "abort: limit 50 %, rule errors"),
    ]


def test_phases_and_single_reconnects_are_no_marks():
    evidence = replace(make_report_evidence(5), events=(event(1, "phase"), event(2, "socket-reconnect", count=2)))
    assert happenings(evidence) == ()


def test_events_outside_of_the_load_are_left_out():
    evidence = replace(make_report_evidence(5), events=(event(-9, "stack-ready"), event(900, "stack-down")))
    assert happenings(evidence) == ()
    assert happenings(never_loaded(evidence)) == ()


def test_a_load_that_ended_early_is_marked():
    evidence = make_report_evidence(20)
    early = replace(
        evidence, events=(event(19, "load-end", reason="stopped"), event(20, "run-end", reason="interrupted"))
    )
    assert [(h.clock, h.words) for h in happenings(early)] == [("0:19", "the load ended before the plan did")]
    whole = replace(evidence, events=(event(40, "load-end", reason="complete"),))
    assert happenings(whole) == ()


def test_reconnects_close_together_are_one_burst():
    counts = ((10, 6), (12, 7), (19, 4), (30, 9), (31, 2))
    events = tuple(event(at, "socket-reconnect", count=count) for at, count in counts)
    evidence = replace(make_report_evidence(20), events=events)
    assert [h.words for h in happenings(evidence)] == [
        "13 sockets reconnected, until 0:12",
        "11 sockets reconnected, until 0:31",
    ]


def test_a_generator_that_ended_well_is_no_mark():
    evidence = make_report_evidence(5)
    for reason, words in (
        ("completed", []),
        ("interrupted", []),
        ("crashed: x", ["generator end: reason crashed: x"]),
    ):
        events = (event(4, "generator-end", reason=reason), event(4.5, "reconciled", checked=True, missing=0))
        assert [h.words for h in happenings(replace(evidence, events=events))] == words
