"""What ``proofload worker`` starts Locust with: the flows are known once the master has said which."""

from __future__ import annotations

from locust import User, events, task

from harness.loadgen.distributed.joining import install


class Nobody(User):
    """Stands in until then: Locust does not begin without a class."""

    @task
    def nothing(self) -> None:
        """Never done."""


install(events)
