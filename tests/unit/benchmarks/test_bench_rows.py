"""The table of what must be reached is whole, and docs/performance.md is the page of docs/performance.json."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.page import page
from tests.benchmarks.peers import PEERS
from tests.benchmarks.report import DOCS
from tests.benchmarks.rows import CLAIMS, GROUPS, OURS


def test_every_claim_is_about_contestants_that_exist():
    groups = {group.name: {each.name for each in group.contestants} for group in GROUPS}
    assert len(groups) == len(GROUPS)
    for claim in CLAIMS:
        assert claim.ours == OURS and OURS in groups[claim.group]
        assert not claim.over or claim.over in groups[claim.group]
        assert claim.aim <= claim.at_least if claim.lower else claim.aim >= claim.at_least


def test_every_peer_that_is_needed_says_how_it_is_installed():
    known = {peer.name: peer for peer in PEERS}
    for group in GROUPS:
        for contestant in group.contestants:
            assert all(known[name].install for name in contestant.needs)


def test_the_page_is_written_from_the_figures():
    stored = json.loads((DOCS / "performance.json").read_text())
    assert (Path(DOCS) / "performance.md").read_text() == page(stored)
