"""Children that do not outlive whoever started them."""

from __future__ import annotations

import shutil


def ends_with_us() -> tuple[str, ...]:
    """What a command begins with so that the kernel ends it (SIGTERM) when its parent dies, however it dies; nothing
    where util-linux is missing."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()
