"""The application's pinned environment."""

from __future__ import annotations

import re

from tests.app.refapp_stack import APP

LINES = (APP / "requirements.txt").read_text().splitlines()
PINS = [line for line in LINES if line and not line.startswith(("#", " "))]


def test_every_requirement_is_pinned_and_hashed() -> None:
    assert PINS
    for pin in PINS:
        assert re.match(r"[a-z0-9-]+==[0-9][^ ]*( ; .+)? \\$", pin), pin
        assert LINES[LINES.index(pin) + 1].startswith("    --hash=sha256:")


def test_nothing_of_one_machine_is_in_it() -> None:
    assert not [
        line for line in LINES if "://" in line or "index" in line.partition("#")[0] or re.search(r" /\w", line)
    ]


def test_no_second_websocket_server() -> None:
    assert not any(pin.startswith("gevent-websocket") for pin in PINS)
