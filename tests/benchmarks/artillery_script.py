"""The script that artillery is given: so many sockets, each sending again as soon as it is acknowledged."""

from __future__ import annotations

import json


def script(url: str, connections: int) -> str:
    """As JSON, which artillery reads as well as YAML."""
    emit = {"emit": {"channel": "echo", "data": "hello world"}, "acknowledge": {"data": "hello world"}}
    return json.dumps(
        {
            "config": {
                "target": url,
                "phases": [{"duration": 1, "arrivalCount": connections}],
                "socketio": {"transports": ["websocket"]},
                "statsInterval": 3600,
            },
            "scenarios": [{"engine": "socketio", "flow": [{"loop": [emit], "count": 1_000_000}]}],
        }
    )
