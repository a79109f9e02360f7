"""Which resource is named, over made-up evidence: a healthy run in which one second differs from the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.bottleneck import find_bottleneck
from harness.analysis.bottleneck.resources import RESOURCES
from harness.analysis.judge import judge
from harness.model.bottleneck import Bottleneck, Confidence, State
from harness.model.evidence import Evidence
from harness.model.plan import LevelName, PhaseName
from harness.model.samples import JobEvent, ServerSample
from tests.support.evidence import START, make_evidence

BROKEN = make_evidence(slow={"peak": 0.5}, recovers_after=0)
"""Half of the peak's requests take 0.8 s, from the first second of peak on."""
SOUND = make_evidence(recovers_after=0, slow={"3x-peak": 0.0}, median_seconds={"3x-peak": 0.03})
PEAK = BROKEN.plan.level("peak").start_seconds
END = BROKEN.plan.duration_seconds

Value = float | Callable[[float], float]
HEALTHY: Mapping[str, Mapping[str, Value]] = {
    "host": {"cpu_busy_ratio": 0.4, "cpu_niced_ratio": 0.0, "psi_io_some_ratio": 0.01, "disk_busy_ratio": 0.02},
    "stack": {
        "cpu_ratio": 0.3,
        "throttled_ratio": 0.0,
        "memory_ratio": 0.5,
        "refaults_per_second": 0.0,
        "oom_kills_total": 0.0,
    },
    "gunicorn": {"worker_cpu_ratio_mean": 0.2, "workers": 3.0},
    "pgbouncer": {"client_waiting": 0.0, "pool_ratio": 0.1, "pool_size": 30.0},
    "postgres": {
        "connections": 12.0,
        "connections_ratio": 0.2,
        "connections_free": 30.0,
        "waiting_lock": 0.0,
        "waiting_io": 0.0,
        "idle_in_transaction": 0.0,
        "active": 1.0,
    },
    "redis": {
        "used_memory_bytes": 2e6,
        "memory_ratio": 0.2,
        "out_of_memory_errors_total": 0.0,
        "evicted_keys_total": 0.0,
    },
    "celery": {
        "depth.default": 0.0,
        "oldest_age_seconds.default": 0.0,
        "busy_ratio.default": 0.5,
        "depth.heavy": 0.0,
        "oldest_age_seconds.heavy": 0.0,
        "busy_ratio.heavy": 0.5,
    },
}


def since(onset: float, value: float, before: float = 0.0, until: float = END) -> Callable[[float], float]:
    return lambda second: value if onset <= second <= until else before


def saturated(onset: float, until: float = END) -> dict[str, dict[str, dict[str, Value]]]:
    """What the samplers see of each resource when it is saturated from one second of the load to another."""

    def from_onset(value: float, before: float = 0.0) -> Callable[[float], float]:
        return since(onset, value, before, until)

    def queue(name: str) -> dict[str, dict[str, Value]]:
        return {
            "celery": {
                f"depth.{name}": from_onset(5),
                f"oldest_age_seconds.{name}": from_onset(6),
                f"busy_ratio.{name}": from_onset(1, 0.5),
            }
        }

    return {
        "gunicorn": {"gunicorn": {"worker_cpu_ratio_mean": from_onset(0.97, 0.2)}},
        "pgbouncer": {"pgbouncer": {"client_waiting": from_onset(4), "pool_ratio": from_onset(1, 0.1)}},
        "postgres-connections": {"postgres": {"connections_free": from_onset(0, 30)}},
        "postgres-locks": {"postgres": {"waiting_lock": from_onset(3)}},
        "celery-default": queue("default"),
        "celery-heavy": queue("heavy"),
        "redis-memory": {"redis": {"memory_ratio": from_onset(0.99, 0.2)}},
        "cpu": {"stack": {"cpu_ratio": from_onset(1, 0.3), "throttled_ratio": from_onset(0.9)}},
        "disk": {"host": {"psi_io_some_ratio": from_onset(0.6)}, "postgres": {"waiting_io": from_onset(2)}},
        "memory": {"stack": {"memory_ratio": from_onset(0.99, 0.5), "refaults_per_second": from_onset(900)}},
    }


def evidence(
    *changes: Mapping[str, Mapping[str, Value]],
    base: Evidence = BROKEN,
    silent: tuple[str, ...] = (),
    blind: tuple[str, ...] = (),
    stack: str = "native",
) -> Evidence:
    """The base with other server samples. silent: never sampled. blind: nothing but gaps."""
    values = {source: dict(keys) for source, keys in HEALTHY.items() if source not in silent}
    for change in changes:
        for source, keys in change.items():
            values.setdefault(source, {}).update(keys)
    rows = []
    for second in range(int(END)):
        for source, keys in values.items():
            at = START + second + 0.2
            if source in blind:
                rows.append(ServerSample(at, source, {}, "TimeoutError"))
            else:
                now = {key: value(second) if callable(value) else value for key, value in keys.items()}
                rows.append(ServerSample(at, source, now))
    return replace(base, servers=tuple(rows), manifest=replace(base.manifest, stack=stack))


def found(*changes: Mapping[str, Mapping[str, Value]], **options: object) -> Bottleneck:
    return find_bottleneck(evidence(*changes, **options))  # type: ignore[arg-type]


def state_of(bottleneck: Bottleneck, resource: str) -> State:
    return next(each.state for each in bottleneck.resources if each.id == resource)


WEB = [resource.id for resource in RESOURCES if resource.serves_web]


@pytest.mark.parametrize("resource", WEB)
def test_the_one_that_was_saturated_before_it_broke_is_named_with_its_onset_and_lead(resource: str) -> None:
    bottleneck = found(saturated(PEAK - 10)[resource])
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NAMED, resource)
    assert bottleneck.onset_seconds is not None
    assert bottleneck.onset_seconds == pytest.approx(PEAK - 10 + 0.2, abs=1)
    assert bottleneck.breach is not None
    assert bottleneck.breach.level == "peak"
    assert bottleneck.breach.promised
    assert bottleneck.breach.second == pytest.approx(PEAK, abs=2)
    assert bottleneck.lead_seconds == pytest.approx(bottleneck.breach.second - bottleneck.onset_seconds)
    assert bottleneck.level == "normal"
    assert bottleneck.sentence.startswith(f"First to saturate: {bottleneck.title}, from ")
    assert "10 s before response times broke their bound at peak" in bottleneck.sentence
    assert bottleneck.chain[0].startswith("0:")


def test_the_rate_is_what_was_offered_at_the_onset() -> None:
    at = BROKEN.plan.level("normal").phase(PhaseName.MEASURE).start_seconds + 5
    bottleneck = found(saturated(at)["pgbouncer"])
    assert bottleneck.rate_per_second == pytest.approx(50, abs=1)


@pytest.mark.parametrize("late", [0, 2])
def test_an_onset_within_the_tolerance_after_the_breach_coincides(late: int) -> None:
    bottleneck = found(saturated(PEAK + late)["cpu"])
    assert bottleneck.resource == "cpu"
    assert bottleneck.lead_seconds is not None
    assert -3.5 <= bottleneck.lead_seconds <= 1


def test_a_stall_that_the_level_can_bear_breaks_nothing() -> None:
    stalled = range(int(PEAK) + 8, int(PEAK) + 10)
    rows = (
        *(row for row in SOUND.requests if row.second not in stalled),
        *(row for row in BROKEN.requests if row.second in stalled),
    )
    assert found(base=replace(SOUND, requests=rows)).confidence is Confidence.NOTHING_BROKE


def test_what_began_after_it_broke_is_a_consequence() -> None:
    bottleneck = found(saturated(PEAK + 10)["cpu"])
    assert bottleneck.confidence is Confidence.UNDETERMINED
    assert "no resource that was observed was saturated" in bottleneck.sentence


def test_what_had_ended_before_it_broke_is_not_the_cause() -> None:
    assert found(saturated(PEAK - 20, until=PEAK - 8)["cpu"]).confidence is Confidence.UNDETERMINED


def test_a_blip_is_no_saturation() -> None:
    assert found(saturated(PEAK, until=PEAK + 1)["cpu"]).confidence is Confidence.UNDETERMINED


@pytest.mark.parametrize(
    ("waiting", "behind"),
    [(r.id, behind) for r in RESOURCES if r.serves_web for behind in r.behind],
)
def test_of_one_that_waits_for_the_other_the_other_is_named(waiting: str, behind: str) -> None:
    bottleneck = found(saturated(PEAK - 10)[waiting], _deep(saturated(PEAK - 10)[waiting], saturated(PEAK - 4)[behind]))
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NAMED, behind)
    assert state_of(bottleneck, waiting) is State.SATURATED
    assert any("saturated too, waiting for" in line for line in bottleneck.chain)


def _deep(
    first: Mapping[str, Mapping[str, Value]], second: Mapping[str, Mapping[str, Value]]
) -> dict[str, dict[str, Value]]:
    """Both, also where they speak of the same source."""
    return {source: {**first.get(source, {}), **second.get(source, {})} for source in (*first, *second)}


def test_two_that_do_not_explain_each_other_leave_it_undetermined() -> None:
    bottleneck = found(saturated(PEAK - 5)["pgbouncer"], saturated(PEAK - 5)["redis-memory"])
    assert bottleneck.confidence is Confidence.UNDETERMINED
    assert "PgBouncer's pool and Redis's memory" in bottleneck.sentence


def test_nothing_saturated_leaves_it_undetermined() -> None:
    bottleneck = found()
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.UNDETERMINED, "")
    assert bottleneck.breach is not None


@pytest.mark.parametrize("blind", ["stack", "postgres"])
def test_what_is_behind_and_was_not_seen_is_not_called_unsaturated(blind: str) -> None:
    bottleneck = found(saturated(PEAK - 5)["pgbouncer"], blind=(blind,))
    assert bottleneck.confidence is Confidence.UNDETERMINED
    assert "PgBouncer's pool had saturated, but what may be behind was not observed: " in bottleneck.sentence


def test_a_part_that_a_native_stack_does_not_have_is_absent_and_on_an_external_one_not_observed() -> None:
    change = saturated(PEAK - 5)["gunicorn"]
    assert state_of(found(change, silent=("pgbouncer",)), "pgbouncer") is State.ABSENT
    assert found(change, silent=("pgbouncer",)).resource == "gunicorn"
    external = found(change, silent=("pgbouncer",), stack="external")
    assert state_of(external, "pgbouncer") is State.NOT_OBSERVED
    assert external.confidence is Confidence.UNDETERMINED


def test_redis_without_a_limit_cannot_be_full() -> None:
    redis = {"used_memory_bytes": 2e6}
    rows = evidence(saturated(PEAK - 5)["gunicorn"])
    kept = tuple(replace(row, values=redis) if row.source == "redis" else row for row in rows.servers)
    bottleneck = find_bottleneck(replace(rows, servers=kept))
    assert state_of(bottleneck, "redis-memory") is State.ABSENT
    assert bottleneck.resource == "gunicorn"


def test_work_of_low_priority_does_not_make_the_host_busy() -> None:
    busy = {"host": {"cpu_busy_ratio": 0.99, "cpu_niced_ratio": 0.6}}
    assert found(saturated(PEAK - 5)["gunicorn"], busy).resource == "gunicorn"
    assert found(saturated(PEAK - 5)["gunicorn"], {"host": {"cpu_busy_ratio": 0.99}}).resource == "cpu"


def test_waits_for_the_disk_are_averaged_over_the_cores() -> None:
    mild = _deep(saturated(PEAK - 5)["disk"], {"host": {"psi_io_some_ratio": since(PEAK - 5, 0.1)}})
    assert found(mild).confidence is Confidence.UNDETERMINED
    host = replace(BROKEN.manifest.host, cpu_cores=8)
    assert found(mild, base=replace(BROKEN, manifest=replace(BROKEN.manifest, host=host))).resource == "disk"


def test_without_pressure_information_a_statement_that_waits_is_not_enough() -> None:
    base = evidence(saturated(PEAK - 5)["disk"])
    kept = [
        replace(row, values={key: value for key, value in row.values.items() if not key.startswith("psi")})
        for row in base.servers
    ]
    assert find_bottleneck(replace(base, servers=tuple(kept))).confidence is Confidence.UNDETERMINED


def test_a_database_that_waits_for_its_locks_with_a_full_pool_is_contention_not_a_small_pool() -> None:
    change = _deep(saturated(PEAK - 5)["pgbouncer"], saturated(PEAK - 5)["postgres-locks"])
    assert found(change).resource == "postgres-locks"


def test_waits_for_the_applications_share_are_connections_only_while_the_workers_have_cpu() -> None:
    waits = {"application": {"pool_waiting": since(PEAK - 5, 20)}}
    calm = found(waits, silent=("pgbouncer",))
    assert calm.resource == "postgres-connections"
    hot = found(waits, saturated(PEAK - 5)["gunicorn"], silent=("pgbouncer",))
    assert hot.resource == "gunicorn"
    assert state_of(hot, "postgres-connections") is State.UNSATURATED


def test_refused_connections_are_an_error_whatever_the_gauges_say() -> None:
    refused = {"application": {"connections_refused_total": lambda second: max(0.0, second - PEAK)}}
    bottleneck = found(refused)
    assert bottleneck.resource == "postgres-connections"
    assert "refused" in bottleneck.chain[0]


def test_a_counter_that_starts_anew_is_no_error() -> None:
    reset = {"redis": {"out_of_memory_errors_total": since(PEAK, 0, before=7)}}
    assert state_of(found(reset), "redis-memory") is State.UNSATURATED


def test_commands_that_redis_refuses_for_want_of_memory_count_at_once() -> None:
    errors = {"redis": {"out_of_memory_errors_total": since(PEAK, 3)}}
    assert found(errors).resource == "redis-memory"


def test_a_kill_breaks_a_bound_of_its_own_and_names_the_memory() -> None:
    bottleneck = found({"stack": {"oom_kills_total": since(PEAK - 30, 1)}})
    assert bottleneck.resource == "memory"
    assert bottleneck.breach is not None
    assert bottleneck.breach.slo == "oom-kills"


def test_jobs_that_do_not_end_are_not_the_web_tiers_fault() -> None:
    patience = SOUND.plan.job_timeout_seconds
    late = JobEvent(START + 20.0, "a", "sent"), JobEvent(START + 20.0 + patience, "a", "censored")
    base = replace(SOUND, jobs=late)
    heavy, web = saturated(40)["celery-heavy"], saturated(40)["gunicorn"]
    bottleneck = found(heavy, base=base)
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NAMED, "celery-heavy")
    assert bottleneck.lead_seconds == pytest.approx(20 + patience - 40, abs=2)
    assert found(web, base=base).confidence is Confidence.UNDETERMINED


def test_a_job_that_a_run_cut_short_did_not_wait_for_broke_nothing() -> None:
    jobs = JobEvent(START + 30.0, "a", "sent"), JobEvent(START + 33.0, "a", "censored", {"reason": "cut short"})
    assert found(base=replace(SOUND, jobs=jobs)).confidence is Confidence.NOTHING_BROKE


def test_a_busy_generator_is_no_evidence_against_the_servers() -> None:
    busy = tuple(replace(sample, cpu_ratio=0.97) for sample in BROKEN.generator)
    bottleneck = found(saturated(PEAK - 5)["cpu"], base=replace(BROKEN, generator=busy))
    assert bottleneck.confidence is Confidence.UNDETERMINED
    assert "load generator" in bottleneck.sentence


def test_nothing_broke_names_what_was_nearest_to_its_limit() -> None:
    bottleneck = found({"stack": {"memory_ratio": 0.81}}, base=SOUND)
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NOTHING_BROKE, "memory")
    assert "nearest to its limit: the memory, 81 % in use" in bottleneck.sentence
    assert bottleneck.lead_seconds is None


def test_nothing_broke_and_still_something_was_saturated_first() -> None:
    bottleneck = found(saturated(PEAK + 7)["cpu"], saturated(PEAK + 20)["gunicorn"], base=SOUND)
    assert (bottleneck.confidence, bottleneck.resource) == (Confidence.NOTHING_BROKE, "cpu")
    assert bottleneck.sentence.startswith("No bound broke; first to saturate: the CPU, for 2:07 min at peak")


def test_at_3x_peak_the_peaks_bound_is_held_up_and_said_so() -> None:
    base = make_evidence(slow={"3x-peak": 0.5}, recovers_after=0)
    bottleneck = found(saturated(base.plan.level("3x-peak").start_seconds - 2)["cpu"], base=base)
    assert bottleneck.resource == "cpu"
    assert bottleneck.breach is not None
    assert not bottleneck.breach.promised
    assert "the peak's bound at 3x-peak" in bottleneck.sentence


def test_a_plan_with_a_single_level_is_enough() -> None:
    peak = BROKEN.plan.level("peak")
    base = replace(
        BROKEN,
        plan=replace(BROKEN.plan, levels=(peak,)),
        requests=tuple(row for row in BROKEN.requests if peak.start_seconds <= row.second < peak.end_seconds),
    )
    assert found(saturated(PEAK)["pgbouncer"], base=base).resource == "pgbouncer"


def test_no_load_no_finding() -> None:
    assert find_bottleneck(replace(BROKEN, load_start_seconds=None)).confidence is Confidence.NOT_LOADED
    assert find_bottleneck(replace(BROKEN, requests=())).confidence is Confidence.NOT_LOADED


def test_no_samples_at_all_name_nothing() -> None:
    bottleneck = find_bottleneck(replace(BROKEN, servers=()))
    assert bottleneck.confidence is Confidence.UNDETERMINED
    assert bottleneck.resource == ""


def test_the_finding_is_part_of_the_verdict_and_changes_nothing_in_it() -> None:
    named, unnamed = (judge(evidence(*change)) for change in ((saturated(PEAK - 5)["pgbouncer"],), ()))
    assert named.bottleneck is not None
    assert named.bottleneck.resource == "pgbouncer"
    assert replace(named, bottleneck=None) == replace(unnamed, bottleneck=None)
    assert LevelName.PEAK.value == named.bottleneck.breach.level  # type: ignore[union-attr]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WEB), st.integers(-30, 20)), max_size=4, unique_by=lambda pair: pair[0]))
def test_whoever_is_named_was_saturated_in_time_and_nothing_behind_it_was(chosen: list[tuple[str, int]]) -> None:
    change: dict[str, dict[str, Value]] = {}
    for resource, offset in chosen:
        change = _deep(change, saturated(PEAK + offset)[resource])
    bottleneck = found(change)
    if bottleneck.confidence is Confidence.NAMED:
        states = {each.id: each.state for each in bottleneck.resources}
        named = next(resource for resource in RESOURCES if resource.id == bottleneck.resource)
        assert dict(chosen)[named.id] <= 4
        assert all(states[behind] is not State.SATURATED for behind in named.behind)
    else:
        assert bottleneck.resource == ""
