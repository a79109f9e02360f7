"""Text from outside, made fit for the files of a report. Pure."""

from __future__ import annotations

import re

_UNFIT = re.compile("[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fit(text: str) -> str:
    """Without the characters that neither XML 1.0 nor HTML can hold, not even escaped."""
    return _UNFIT.sub("\ufffd", text)
