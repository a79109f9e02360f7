"""HTTP for Locust users: ``flows`` for those of a plan, ``session`` as Locust's own client has it, and below them our
own client, from header fields and cookies (``client``) down to one TCP connection (``wire``)."""

from harness.loadgen.http.flows import PROBE_HEADER, FlowSession, HttpFlowUser, Reply, request_plainly

__all__ = ["PROBE_HEADER", "FlowSession", "HttpFlowUser", "Reply", "request_plainly"]
