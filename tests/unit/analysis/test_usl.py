"""Vectors T15 and T16 of docs/methodology.md: the universal scalability law."""

from __future__ import annotations

import math
from random import Random

import pytest

from harness.analysis.usl import Refusal, UslFit, curve, fit_usl
from harness.model.measurement import Basis

CISCO = tuple(
    enumerate(
        (
            *(955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08),
            *(7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55, 9645.37, 9897.24),
            *(10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806, 12089.37),
            *(12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39),
        ),
        start=1,
    )
)
"""Schwartz, Practical Scalability Analysis: throughput by concurrency."""
SDM91 = ((1, 64.9), (18, 995.9), (36, 1652.4), (72, 1853.2), (108, 1828.9), (144, 1775), (216, 1702.2))
"""Gunther, Guerrilla Capacity Planning: SPEC SDM91."""
RAYTRACER = tuple(
    zip((1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64), (20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310), strict=True)
)


def fitted(points) -> UslFit:
    found = fit_usl(points)
    assert isinstance(found, UslFit), found
    return found


def test_the_cisco_data():
    found = fitted(CISCO)
    assert found.rate_per_second.value == pytest.approx(995.6486, rel=2e-6)
    assert found.contention.value == pytest.approx(0.02671591, rel=2e-6)
    assert found.coherence.value == pytest.approx(7.690945e-4, rel=1e-6)
    assert (found.coherence.lower, found.coherence.upper) == pytest.approx((5.923e-4, 9.459e-4), rel=1e-4)
    assert found.basis is Basis.ESTIMATED
    # N_max = 35.57 with X_max = 12342.85 lies beyond the 32 that were measured: it is not claimed.
    assert found.peak is None
    assert "35.6" in found.no_peak
    assert found.throughput(35.5738) == pytest.approx(12342.85, rel=1e-5)


def test_the_sdm91_data_have_a_peak():
    found = fitted(SDM91)
    assert found.rate_per_second.value == pytest.approx(89.9954, rel=1e-5)
    assert found.contention.value == pytest.approx(0.0277286, rel=1e-5)
    assert found.coherence.value == pytest.approx(1.04365e-4, rel=1e-5)
    assert found.peak is not None
    assert found.peak.concurrency == pytest.approx(96.52, abs=0.005)
    assert found.peak.throughput_per_second == pytest.approx(1883.9, abs=0.2)


def test_without_a_peak_in_the_data_none_is_claimed():
    """T16: a free κ would be −2.01e-4 with an interval that spans 0."""
    found = fitted(RAYTRACER)
    assert found.coherence.value == 0
    assert found.rate_per_second.value == pytest.approx(21.849, abs=5e-4)
    assert found.contention.value == pytest.approx(0.05777, abs=5e-6)
    assert found.peak is None
    assert "holds 0" in found.no_peak


@pytest.mark.parametrize("count", [10, 16])
def test_a_few_points_of_a_curve_are_not_drawn_on_far(count):
    """T15: 10 points of Cisco's predict 15242 at N = 32 and 16 points 9649, where 12074 were measured; the latter with
    σ = −0.003, which is not allowed here: with σ = 0 it is 9855."""
    found = fitted(CISCO[:count])
    values = (found.rate_per_second.value, found.contention.value, found.coherence.value)
    assert curve(32, values) == pytest.approx({10: 15242, 16: 9855}[count], rel=1e-4)
    refused = found.throughput(32)
    assert isinstance(refused, Refusal)
    assert "1.5 times" in refused.reason
    assert not isinstance(found.throughput(1.5 * count), Refusal)
    assert found.is_projection(1.2 * count)
    assert not found.is_projection(count)


@pytest.mark.parametrize("concurrency", [0.5, 1, 19.92, 32])
def test_concurrency_is_the_inverse_of_throughput(concurrency):
    found = fitted(CISCO)
    throughput = found.throughput(concurrency)
    assert isinstance(throughput, float)
    assert found.concurrency(throughput) == pytest.approx(concurrency, rel=1e-9)


def test_concurrency_where_nothing_costs_coherence():
    found = fitted(RAYTRACER)
    throughput = found.throughput(40)
    assert isinstance(throughput, float)
    assert found.concurrency(throughput) == pytest.approx(40)
    # Amdahl's limit λ/σ is 378/s, which is never reached; 340/s would take more users than may be projected.
    for beyond in (340, 500):
        assert isinstance(found.concurrency(beyond), Refusal)


def test_a_throughput_above_the_peak_is_refused():
    found = fitted(SDM91)
    assert isinstance(found.concurrency(2000), Refusal)
    assert isinstance(found.concurrency(0), Refusal)
    assert isinstance(found.throughput(0), Refusal)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (CISCO[:5], "5 different loads were measured, 6 are needed"),
        ((), "0 different loads"),
        ((*CISCO[:5], (5, 4300.0), (5.01, 4320.0)), "5 different loads"),
        (tuple((10 + n, 100.0 + n) for n in range(7)), "too alike"),
        ((*CISCO[:6], (0, 10.0)), "no concurrency"),
        ((*CISCO[:6], (7, math.nan)), "no throughput"),
        (tuple((n, 0.0) for n in range(1, 8)), "no trial had any throughput"),
    ],
)
def test_what_says_too_little_is_refused(points, said):
    found = fit_usl(points)
    assert isinstance(found, Refusal)
    assert said in found.reason


def test_the_intervals_hold_the_truth():
    """Noise of 2 % on a known curve: each 95 % interval holds its parameter in most of 200 fits."""
    truth = (100.0, 0.05, 1e-3)
    random = Random(5)
    held = [0, 0, 0]
    for _ in range(200):
        points = [(n, random.gauss(curve(n, truth), 12)) for n in (1, 2, 4, 8, 12, 16, 24, 32, 48)]
        found = fitted(points)
        estimates = (found.rate_per_second, found.contention, found.coherence)
        for index, (estimate, true) in enumerate(zip(estimates, truth, strict=True)):
            held[index] += estimate.lower <= true <= estimate.upper
    assert min(held) >= 180, held
