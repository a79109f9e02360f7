from dataclasses import replace
from xml.etree import ElementTree as ET

from harness.model.verdict import CheckResult, Outcome, Taint
from reports.junit import junit_xml
from tests.support.report_values import cell, make_report_evidence, make_verdict


def suite_of(verdict):
    root = ET.fromstring(junit_xml(make_report_evidence(), verdict))
    assert root.tag == "testsuites"
    (suite,) = root.findall("testsuite")
    return suite


def test_each_cell_is_a_test_case_and_each_outcome_has_its_element():
    cells = [
        cell("response-time", "normal"),
        cell("response-time", "peak", Outcome.FAIL),
        cell("connections", "normal", Outcome.INCONCLUSIVE),
        cell("connections", "peak", Outcome.INVALID, tainted_by=("loop_lag",)),
    ]
    suite = suite_of(make_verdict(Outcome.FAIL, *cells))
    cases = suite.findall("testcase")
    assert [(c.get("classname"), c.get("name")) for c in cases[:4]] == [
        ("lectio.A.normal", "Response time"),
        ("lectio.A.peak", "Response time"),
        ("lectio.A.normal", "PostgreSQL connections"),
        ("lectio.A.peak", "PostgreSQL connections"),
    ]
    assert cases[0].find("failure") is None and cases[0].find("error") is None
    assert cases[1].find("failure").get("type") == "FAIL"
    assert "the reason for FAIL" in cases[1].find("failure").get("message")
    assert cases[2].find("error").get("type") == "INCONCLUSIVE"
    assert "unsound: loop_lag" in cases[3].find("error").text
    assert cases[0].get("time") == "12.000"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "timestamp")} == {
        "tests": "6",
        "failures": "1",
        "errors": "2",
        "skipped": "1",
        "time": "40.000",
        "timestamp": "2026-11-20T16:50:12",
    }


def test_a_failed_validity_check_is_an_error():
    failed = CheckResult("cpu", "Generator CPU", "peak", False, "97 %", "≤ 85 %", "saturated", (Taint.TIMES,))
    verdict = make_verdict(Outcome.INVALID, cell("response-time", "peak", Outcome.INVALID, tainted_by=("cpu",)))
    suite = suite_of(type(verdict)(*(verdict.outcome, verdict.severity, "h", verdict.verdicts, (failed,), ())))
    case = suite.find("testcase[@classname='lectio.A.peak.validity']")
    assert case.find("error").get("message") == "97 % against ≤ 85 %: saturated"


def test_a_failed_check_that_spoils_no_row_leaves_a_passed_run_green():
    failed = CheckResult("overhead", "Cost of sampling", "", False, "2.1 %", "at most 2 %", "too much", ())
    suite = suite_of(replace(make_verdict(Outcome.PASS, cell("response-time", "peak")), checks=(failed,)))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "no row hangs on it" in suite.find("testcase[@classname='lectio.A.run.validity']/system-out").text


def test_characters_that_xml_cannot_hold_are_replaced():
    nasty = cell("response-time", "peak", Outcome.FAIL, reason="a\x00b\x1b[31m\ud800 <&> ]]>", title="t\x0b")
    suite = suite_of(make_verdict(Outcome.FAIL, nasty))
    case = suite.find("testcase")
    assert case.get("name") == "t\ufffd"
    assert "a\ufffdb\ufffd[31m\ufffd <&> ]]>" in case.find("failure").text


def test_no_cell_at_all_is_still_valid():
    verdict = make_verdict(Outcome.INCONCLUSIVE)
    empty = type(verdict)(verdict.outcome, verdict.severity, "nothing was judged", (), (), ())
    assert suite_of(empty).get("tests") == "0"
