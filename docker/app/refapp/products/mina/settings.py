"""What only Mina can be told: see README.md, Mina."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class MinaSettings:
    """Times in seconds. The defaults are the plan's."""

    meetings_list_seconds: int
    meeting_detail_seconds: int
    dashboard_seconds: int
    trends_seconds: int
    whisper_url: str
    window_chunks: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> MinaSettings:
        """From the environment."""

        def number(name: str, default: int) -> int:
            return int(float(environment.get(name, default)))

        return cls(
            meetings_list_seconds=number("CACHE_TTL_MEETINGS_LIST", 60),
            meeting_detail_seconds=number("CACHE_TTL_MEETING_DETAIL", 300),
            dashboard_seconds=number("CACHE_TTL_ANALYTICS_DASHBOARD", 300),
            trends_seconds=number("CACHE_TTL_ANALYTICS_TRENDS", 600),
            whisper_url=environment.get("WHISPER_URL", ""),
            window_chunks=number("TRANSCRIBE_CHUNKS", 60),
        )


@cache
def mina_settings() -> MinaSettings:
    """Those of this process."""
    return MinaSettings.read(os.environ)
