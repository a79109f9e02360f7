"""Figure tables, claims, rules and audits of a system's file, and the mistakes that can be made in them."""

from __future__ import annotations

import pytest

from harness.errors import TargetError
from harness.model.audit import Grade, Relation
from harness.model.figure import Provenance
from harness.model.target import Check, Switch
from targets.loader import parse_target

SMALL = """
format = 1
name = "mine"
title = "Mine"
document = "plan.md"
locustfile = "flows.py"

[flows.shopper]
kind = "http"
user_class = "Shopper"
share = "100 %"
http_steps = 4

[[stages]]
name = "1"
title = "Launch"
cite = "Stage 1"
[stages.audience]
cite = "Audience"
shoppers = "1,000 count"
[stages.server]
cite = "Server"
vcpu = "2 vCPU"
racks = { is = "1 count", check = "stated only", why = "no rack" }
[stages.sizing]
[stages.load]
cite = "Load"
check = "modelled"
why = "by a formula"
peak_rps = "50-80/s"
normal_rps = { is = "50/s", assumed = "the lower end" }
queries = "500/s"
[stages.application]
cite = "Cache"
cache_ttl = "60 s"
[stages.figures.targets]
title = "Targets"
cite = "Targets"
page = "1 s"
[[stages.deviations]]
cite = "Workers"
items = ["gevent instead of eventlet"]

[[stages]]
name = "2"
title = "Max"
cite = "Stage 2"
normal_from = "1"
[stages.audience]
[stages.server]
[stages.sizing]
[stages.load]
cite = "Load"
peak_rps = "200/s"

[figures.storage]
cite = "Storage"
post = "2 KB"
total = "1 MB"

[[claims]]
id = "indexes"
text = "Indexes make it ten times faster"
measure = "response time"
before = "400 ms"
after = "40 ms"
switch = "indexes"
cite = "Claims"

[[rules]]
id = "cpu"
title = "CPU"
sli = "stack_cpu_ratio"
purpose = "scale-up"
above = "70 %"
for = "5 min"
cite = "Rules"

[[audit]]
id = "posts"
title = "A thousand shoppers, a post each"
compute = "stages.1.audience.shoppers * figures.storage.post"
equals = "figures.storage.total"
grade = "contradiction"
says = "twice that"
"""


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(TargetError) as caught:
        parse_target(text, "mine.toml")
    return tuple(line.removeprefix("mine.toml › ") for line in caught.value.where)


def test_figures_of_any_name_have_a_place_with_their_source() -> None:
    target = parse_target(SMALL, "mine.toml")
    assert str(target.group("storage").figure("post").citation) == "plan.md › Storage"
    assert target.stage("1").group("targets").title == "Targets"
    assert target.stage("1").application[0].value == 60
    assert target.stage("1").deviations[0].text == "gevent instead of eventlet"
    with pytest.raises(KeyError):
        target.group("storag")


def test_claims_and_rules_keep_their_numbers() -> None:
    target = parse_target(SMALL, "mine.toml")
    (claim,), (rule,) = target.claims, target.planned_rules
    assert [(figure.name, figure.value) for figure in claim.figures] == [("before", 0.4), ("after", 0.04)]
    assert claim.switch is Switch.INDEXES
    assert (rule.number("above").value, rule.number("for").value) == (0.7, 300)
    assert rule.levels == ("normal", "peak", "recovery")


def test_a_stage_s_normal_level_may_be_another_row() -> None:
    stage = parse_target(SMALL, "mine.toml").stage("2")
    normal = stage.figure("normal_rps")
    assert (normal.value, normal.provenance) == (80, Provenance.DERIVED)
    assert normal.note == "the load of Launch, the row above: 50/s to 80/s"
    assert stage.bottleneck.text == "the plan names none"


def test_an_audit_may_stand_for_several_stages() -> None:
    text = (
        changed('grade = "contradiction"', 'grade = "contradiction"\nstages = ["1", "2"]')
        .replace(
            "stages.1.audience.shoppers * figures.storage.post",
            "stages.{stage}.load.peak_rps / stages.{stage}.load.peak_rps",
        )
        .replace('equals = "figures.storage.total"', 'at_most = "2"')
    )
    first, second = parse_target(text, "mine.toml").audits
    assert (first.id, first.compute) == ("posts-1", "stages.1.load.peak_rps / stages.1.load.peak_rps")
    assert (second.id, second.relation, second.against) == ("posts-2", Relation.AT_MOST, "2")
    assert first.grade is Grade.CONTRADICTION


def test_every_row_says_how_it_is_checked() -> None:
    rows = {row.path: (row.check, row.why) for row in parse_target(SMALL, "mine.toml").coverage}
    assert rows["stages.1.audience.shoppers"] == (Check.MEASURED, "")
    assert rows["stages.1.server.vcpu"] == (Check.MEASURED, "")
    assert rows["stages.1.server.racks"] == (Check.STATED_ONLY, "no rack")
    assert rows["stages.1.load.peak_rps"] == (Check.MEASURED, "")  # whatever its table says of the others
    assert rows["stages.1.load.queries"] == (Check.MODELLED, "by a formula")
    assert rows["stages.1.application.cache_ttl"] == (Check.MEASURED, "")
    assert rows["stages.1.figures.targets.page"] == (Check.STATED_ONLY, "nothing asks for it")
    assert rows["figures.storage.post"] == (Check.COMPUTED, "")
    assert rows["claims.indexes"] == (Check.MEASURED, "")
    assert rows["rules.cpu"] == (Check.MEASURED, "")
    assert rows["stages.1.deviations[0].items[0]"] == (Check.STATED_ONLY, "words without a number")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'page = "1 s"',
            'page = "1"',
            'stages[0].figures.targets.page: "1" has no unit; write "1/s", "1 ms", "1 count"…',
        ),
        (
            "[figures.storage]",
            "[figures.Storage]",
            'figures.Storage.[key]: "Storage" has characters that a name may not have',
        ),
        (
            'normal_from = "1"',
            'normal_from = "2"',
            'stages[1].normal_from: no other stage is called "2"; there are 1',
        ),
        ('normal_from = "1"', 'normal_from = "One"', 'stages[1].normal_from: no other stage is called "One"'),
        (', why = "no rack"', "", 'stages[0].server.racks: check = "stated only" needs a reason: why = "…"'),
        ('after = "40 ms"', 'after = "40/s"', "claims[0]: before is in seconds, but after is in per_second"),
        ('after = "40 ms"', 'factor = "10 count"', 'claims[0].factor: is in count; write factor, such as "5-10 x"'),
        (
            'before = "400 ms"\nafter = "40 ms"',
            "",
            "claims[0]: a claim needs a number: before and after, factor, reduct",
        ),
        ('switch = "indexes"', 'switch = "index"', "claims[0].switch: \"index\" is not possible here; write 'indexes'"),
        ('sli = "stack_cpu_ratio"', 'sli = "cpu_ratio"', 'rules[0].sli: no SLI is called "cpu_ratio"; did you mean'),
        ('for = "5 min"', 'for = "5 count"', 'rules[0].for: is in count; write seconds, such as "5 min"'),
        ('above = "70 %"', "", 'rules[0]: a rule of this purpose needs above = "70 %" or below = "30 %"'),
        (
            'above = "70 %"',
            'above = "70 %"\nbelow = "30 %"',
            "rules[0]: a rule fires above or below its bound, not both",
        ),
        ('equals = "figures.storage.total"', "", "audit[0]: write what compute should be: equals, at_most or at_least"),
        ('says = "twice that"', 'stages = ["3"]', 'audit[0].stages: no stage is called "3"; there are 1, 2'),
        (
            "* figures.storage.post",
            "* figures.storage.posts",
            'audit.posts: there is no figure "figures.storage.posts"; did',
        ),
        ("* figures.storage.post", "* '1 min'", "audit.posts: compares seconds (1,000 × 1 min) with bytes (1 MB)"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, message: str) -> None:
    found = mistakes(changed(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_what_a_reader_compares_needs_two_places_and_words() -> None:
    calculated = 'compute = "stages.1.audience.shoppers * figures.storage.post"\nequals = "figures.storage.total"'
    one = '[{ cite = "Here", quote = "yes" }]'
    two = '[{ cite = "Here", quote = "yes" }, { cite = "There", quote = "no" }]'
    (audit,) = parse_target(changed(calculated, f"quotes = {two}"), "mine.toml").audits
    assert [place.quote for place in audit.citations] == ["yes", "no"]
    assert mistakes(changed(calculated, f"quotes = {one}"))[0].startswith("audit[0]: two quotes or more are compared")
    assert mistakes(changed(calculated, ""))[0].startswith('audit[0]: write compute = "…" and what it should be')
    assert mistakes(SMALL + SMALL[SMALL.index("[[audit]]") :]) == (
        'audit[1].id: "posts" stands at audit[0].id already',
    )  # fmt: skip
