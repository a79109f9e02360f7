"""Close matches for mistyped names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean "peak_rps"?``, or what there is when nothing is close."""
    names = list(known)
    lower = {candidate.lower(): candidate for candidate in names}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{lower[close[0]]}"?'
    return f"; there are {', '.join(names)}" if names else ""
