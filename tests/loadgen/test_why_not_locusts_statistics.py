"""Vector T4's other half: what Locust's own statistics make of the same times, and so why no verdict rests on them."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json
from locust.stats import RequestStats

def shown(times, share):
    stats = RequestStats()
    for each in times:
        stats.log_request("GET", "/", each, 0)
    return stats.total.get_response_time_percentile(share)

print(json.dumps([[shown([each], 1.0) for each in (1049, 1050, 1050.1, 105, 0.5)], shown(range(1, 101), 0.95)]))
"""


def test_locust_rounds_times_and_counts_ranks_otherwise():
    """In a process of its own: importing Locust patches the standard library."""
    answer = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    rounded, p95 = json.loads(answer.stdout)
    assert rounded == [1000, 1000, 1100, 100, 0]  # 1050 ms passes a bound of 1 s
    assert p95 == 96  # the nearest rank of 1..100 is 95
