from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.histogram import bucket_edges_us, bucket_index, count_over, distribution_of, merge, quantile
from harness.analysis.intervals import clopper_pearson_lower, clopper_pearson_upper, korn_graubard
from harness.analysis.percentiles import nearest_rank
from harness.analysis.rules import duration_rule, recovery_time

microseconds = st.integers(0, 10**11)
samples = st.lists(microseconds, max_size=60)


def histogram(values):
    return distribution_of([value / 1e6 for value in values])


def same(first, second):
    assert first.buckets == second.buckets
    assert (first.count, first.max_seconds) == (second.count, second.max_seconds)
    assert math.isclose(first.sum_seconds, second.sum_seconds, rel_tol=1e-9, abs_tol=1e-9)


@given(microseconds)
def test_every_time_lies_in_its_bucket(us):
    lower, upper = bucket_edges_us(bucket_index(us))
    assert lower <= us <= upper
    assert upper - lower <= us / 128


@given(samples, samples, samples)
def test_merging_is_associative_commutative_and_lossless(first, second, third):
    a, b, c = histogram(first), histogram(second), histogram(third)
    same(merge([merge([a, b]), c]), merge([a, merge([b, c])]))
    same(merge([a, b]), merge([b, a]))
    same(merge([a, b, c]), histogram([*first, *second, *third]))


@given(st.lists(microseconds, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_never_low_and_at_most_0_79_percent_high(values, share):
    exact = sorted(values)[nearest_rank(share, len(values)) - 1] / 1e6
    found = quantile(histogram(values), share)
    assert found is not None
    assert exact - 1e-9 <= found <= exact * 1.0079 + 1e-9


@given(st.lists(microseconds, max_size=60), microseconds)
def test_counts_over_a_threshold_enclose_the_truth(values, threshold):
    surely, possibly = count_over(histogram(values), threshold / 1e6)
    assert surely <= sum(value > threshold for value in values) <= possibly


@given(st.integers(1, 5000), st.data())
def test_intervals_grow_with_the_bad_ones(n, data):
    bad = data.draw(st.integers(0, n - 1))
    assert clopper_pearson_upper(bad, n) < clopper_pearson_upper(bad + 1, n) or bad + 1 == n
    assert clopper_pearson_lower(bad, n) < clopper_pearson_lower(bad + 1, n)
    assert clopper_pearson_lower(bad, n) <= bad / n <= clopper_pearson_upper(bad, n)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 100)), min_size=2, max_size=20))
def test_correcting_for_autocorrelation_never_narrows(batches):
    seen = korn_graubard(batches)
    assert seen.n_effective <= seen.n
    assert 0 <= seen.lower <= seen.share <= seen.upper <= 1


@given(st.lists(st.sampled_from([True, False, None]), max_size=80), st.integers(1, 20))
def test_a_fired_rule_saw_that_many_bad_windows(good, consecutive):
    rule = duration_rule(good, consecutive)
    if rule.fired_at is not None:
        known = [state for state in good[: rule.fired_at + 1] if state is not None]
        assert known[-consecutive:] == [False] * consecutive


@given(st.lists(st.booleans(), max_size=80), st.integers(0, 80), st.integers(1, 20))
def test_a_longer_row_never_means_an_earlier_recovery(good, start, consecutive):
    shorter, longer = recovery_time(good, start, consecutive), recovery_time(good, start, consecutive + 1)
    if longer.seconds is not None:
        assert shorter.seconds is not None
        assert shorter.seconds <= longer.seconds
        index = start + int(longer.seconds)
        assert all(itertools.islice(good, index, index + consecutive))
