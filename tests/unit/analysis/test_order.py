from __future__ import annotations

from harness.analysis.order import in_order
from tests.accuracy.same_verdict import shuffled
from tests.support.evidence import make_evidence


def test_whatever_order_it_was_written_in() -> None:
    evidence = make_evidence(seed=5)
    assert in_order(shuffled(evidence, 1)) == in_order(shuffled(evidence, 2)) == in_order(evidence)


def test_nothing_is_lost() -> None:
    evidence = make_evidence(seed=5)
    ordered = in_order(evidence)
    assert len(ordered.requests) == len(evidence.requests)
    assert [each.monotonic_seconds for each in ordered.servers] == sorted(
        each.monotonic_seconds for each in evidence.servers
    )
    assert len(ordered.events) == len(evidence.events)
