"""Queues whose response times are known exactly: the truth that what is found is held against (methodology §7, T17).

λ: arrivals per second, Poisson. μ: services per second of one server, s = 1/μ. c: servers, first come first served.
a = λ/μ: offered load in servers, ρ = a/c.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln

MOST_UTILISED = 0.99
"""Of M/D/c: beyond it the chain that is solved would need thousands of states."""
_NEGLIGIBLE = 1e-14


def erlang_b(servers: int, offered: float) -> float:
    """Share of arrivals lost by c servers without a queue: B(0) = 1, B(c) = aB(c−1) ÷ (c + aB(c−1)) (vector T17)."""
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = offered * blocked / (server + offered * blocked)
    return blocked


def erlang_c(servers: int, offered: float) -> float:
    """Share of arrivals that wait: C = B ÷ (1 − ρ(1 − B)); 1 where the queue is not stable (a ≥ c)."""
    if offered >= servers:
        return 1.0
    blocked = erlang_b(servers, offered)
    return blocked / (1 - offered / servers * (1 - blocked))


def mmc_wait_seconds(rate_per_second: float, service_seconds: float, servers: int) -> float:
    """Mean wait Wq = C ÷ (cμ − λ); infinite where the queue is not stable."""
    spare = servers / service_seconds - rate_per_second
    return erlang_c(servers, rate_per_second * service_seconds) / spare if spare > 0 else math.inf


def mmc_slower(seconds: float, rate_per_second: float, service_seconds: float, servers: int) -> float:
    """P(R > t) of M/M/c, exact; 1 where the queue is not stable.

    R is a service, after a wait of Exp(θ), θ = cμ − λ, with probability C:
    P(R > t) = e^(−μt) · (1 + C·μ·(1 − e^(−(θ−μ)t)) ÷ (θ − μ)), whose fraction is t where θ = μ.
    """
    if seconds <= 0:
        return 1.0
    mu = 1 / service_seconds
    spare = servers * mu - rate_per_second
    if spare <= 0:
        return 1.0
    apart = spare - mu
    # (1 − e^(−xt))/x without cancellation; e^(−μt)·that, written so that a negative x (θ < μ) does not overflow
    if abs(apart) * seconds < 1e-12:
        both = seconds * math.exp(-mu * seconds)
    elif apart > 0:
        both = -math.expm1(-apart * seconds) / apart * math.exp(-mu * seconds)
    else:
        both = math.expm1(apart * seconds) / apart * math.exp(-spare * seconds)
    waits = erlang_c(servers, rate_per_second * service_seconds)
    return min(1.0, math.exp(-mu * seconds) + waits * mu * both)


def mdc_slower(seconds: float, rate_per_second: float, service_seconds: float, servers: int) -> float:
    """P(R > t) of M/D/c, exact (Franx 2001); 1 where the queue is not stable.

    For (k−1)s ≤ w < ks: P(W ≤ w) = e^(−m) Σ_{j<kc} Q(kc−1−j) mʲ/j!, m = λ(ks − w), with Q(i) the probability of at most
    i waiting; every term is positive, so nothing cancels. R = W + s. Raises ValueError above ``MOST_UTILISED``.
    """
    wait = seconds - service_seconds
    if wait < 0 or rate_per_second * service_seconds >= servers:
        return 1.0
    waiting = _mdc_waiting(rate_per_second * service_seconds, servers)
    slots = math.floor(wait / service_seconds * (1 + 1e-12)) + 1
    mean = rate_per_second * max(0.0, slots * service_seconds - wait)
    count = slots * servers
    terms = np.arange(count)
    at_most = waiting[np.minimum(count - 1 - terms, len(waiting) - 1)]
    return min(1.0, max(0.0, 1 - float(np.dot(_poisson(mean, count), at_most))))


@lru_cache(maxsize=256)
def _mdc_waiting(offered: float, servers: int) -> NDArray[np.float64]:
    """Q(i), i = 0, 1…: P(at most i waiting) in M/D/c.

    The number present, seen every s seconds, is a Markov chain: whoever is in service then has left s later, so that
    L' = max(0, L − c) + Poisson(λs). Its tail falls like z^(−j), z > 1 the root of z^c = e^(a(z−1)); beyond 1e-14 it is
    cut off.
    """
    utilised = offered / servers
    if utilised > MOST_UTILISED:
        raise ValueError(f"M/D/c is solved up to a utilisation of {MOST_UTILISED}, this is {utilised:.4f}")
    if offered == 0:
        return np.ones(1)
    root = brentq(lambda z: math.log(z) - utilised * (z - 1), 1 + 0.5 * (1 / utilised - 1), 1e9 / utilised)
    states = math.ceil(-math.log(_NEGLIGIBLE) / math.log(root)) + 4 * servers + math.ceil(offered) + 20
    joins = _poisson(offered, states)
    chain = np.zeros((states, states))  # from a column to a row
    for present in range(states):
        left = max(0, present - servers)
        chain[left:, present] = joins[: states - left]
    chain -= np.eye(states)
    chain[-1, :] = 1.0  # the balance of the last state follows from the others: all of them sum to 1 instead
    total = np.zeros(states)
    total[-1] = 1.0
    held = np.maximum(0.0, np.linalg.solve(chain, total))
    return np.asarray(np.minimum(1.0, np.cumsum(held / held.sum())[servers:]))


def _poisson(mean: float, count: int) -> NDArray[np.float64]:
    """The first ``count`` probabilities of a Poisson distribution."""
    number = np.arange(count)
    if mean <= 0:
        return np.asarray(number == 0, dtype=np.float64)
    return np.asarray(np.exp(number * math.log(mean) - mean - gammaln(number + 1)))


def mmc_quantile_seconds(share: float, rate_per_second: float, service_seconds: float, servers: int) -> float:
    """The q-quantile of M/M/c's response times; infinite where the queue is not stable."""
    if rate_per_second * service_seconds >= servers:
        return math.inf

    def beyond(seconds: float) -> float:
        return mmc_slower(seconds, rate_per_second, service_seconds, servers) - (1 - share)

    high = service_seconds
    while beyond(high) > 0:
        high *= 2
    return float(brentq(beyond, 0.0, high, xtol=1e-15, rtol=1e-12))


def mmc_capacity_per_second(seconds: float, share: float, service_seconds: float, servers: int) -> float:
    """The rate λ* at which exactly 1 − q of M/M/c's responses are slower than T: the capacity under "p_q ≤ T".

    0 where services alone take too long.
    """
    full = servers / service_seconds
    return _capacity(lambda rate: mmc_slower(seconds, rate, service_seconds, servers) - (1 - share), full, 1.0)


def mdc_capacity_per_second(seconds: float, share: float, service_seconds: float, servers: int) -> float:
    """As ``mmc_capacity_per_second``, of M/D/c. Raises ValueError where it lies above ``MOST_UTILISED``."""
    full = servers / service_seconds
    return _capacity(
        lambda rate: mdc_slower(seconds, rate, service_seconds, servers) - (1 - share), full, MOST_UTILISED
    )


def _capacity(over: Callable[[float], float], full: float, most_utilised: float) -> float:
    """Where ``over`` crosses 0 below the rate ``full``."""
    if over(0.0) > 0:
        return 0.0
    low, high = 0.0, 0.5  # halve what is left to 1: the chain of M/D/c grows with the utilisation
    while over(high * full) <= 0:
        if high >= most_utilised:
            raise ValueError(f"the capacity lies above a utilisation of {most_utilised}")
        low, high = high, min(most_utilised, (1 + high) / 2)
    return float(brentq(over, low * full, high * full, xtol=1e-12 * full, rtol=1e-12))


def mm1_quantile_seconds(share: float, rate_per_second: float, service_seconds: float) -> float:
    """The q-quantile of M/M/1's response times: −ln(1 − q) ÷ (μ − λ)."""
    spare = 1 / service_seconds - rate_per_second
    return -math.log1p(-share) / spare if spare > 0 else math.inf


def kingman_wait_seconds(
    utilised: float, service_seconds: float, arrivals_cv2: float = 1.0, service_cv2: float = 1.0
) -> float:
    """Mean wait of one server, about: ρ/(1 − ρ) · (ca² + cs²)/2 · s (Kingman 1961); exact for Poisson arrivals."""
    return utilised / (1 - utilised) * (arrivals_cv2 + service_cv2) / 2 * service_seconds if utilised < 1 else math.inf


def little_in_system(rate_per_second: float, response_seconds: float) -> float:
    """How many are present on average: N = X·R."""
    return rate_per_second * response_seconds
