"""Which of the locustfile's classes carry the plan's flows, and how many users of each a worker has."""

from __future__ import annotations

from locust import User
from locust.env import Environment

from harness.errors import PlanError
from harness.loadgen.sizes import pool_sizes
from harness.model.plan import LoadPlan
from harness.model.target import Flow
from harness.planning.schedule import Shard


def classes_of(environment: Environment, plan: LoadPlan) -> dict[str, tuple[Flow, type[User]]]:
    """The class of each flow, by the flow's name. Raises PlanError."""
    by_name = environment.user_classes_by_name
    chosen = {}
    for flow in plan.flows:
        user_class = by_name.get(flow.user_class)
        if user_class is None:
            known = ", ".join(sorted(by_name))
            raise PlanError(
                f"the locustfile has no user class {flow.user_class}", f"flow {flow.name}", f"it has {known}"
            )
        chosen[flow.name] = (flow, user_class)
    unknown = {stream.flow for stream in plan.streams} - chosen.keys()
    if unknown:
        raise PlanError(f"a stream of arrivals for no flow: {', '.join(sorted(unknown))}", "plan.json")
    return chosen


def users_by_class(plan: LoadPlan, shard: Shard) -> dict[str, int]:
    """How many users of each class the worker has."""
    sizes = pool_sizes(plan, shard)
    return {flow.user_class: sizes[flow.name] for flow in plan.flows}


def spawn_at_once(environment: Environment, users: int) -> None:
    """Have Locust spawn them all in one go."""
    options = environment.parsed_options
    assert options is not None
    options.num_users = options.spawn_rate = users
