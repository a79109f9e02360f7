import pytest

from harness.errors import ReportError
from harness.store.layout import RunDirectory
from reports.write import write_reports
from tests.support.report_values import make_report_evidence, make_verdict

FILES = ("junit.xml", "report.html", "summary.md", "verdicts.json")


def test_four_files_the_same_each_time(tmp_path):
    evidence, verdict = make_report_evidence(), make_verdict()
    run = RunDirectory(tmp_path)
    write_reports(run, evidence, verdict)
    first = {name: (tmp_path / name).read_bytes() for name in FILES}
    write_reports(run, evidence, verdict)
    assert sorted(path.name for path in tmp_path.iterdir()) == list(FILES)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == first


def test_a_folder_that_cannot_be_written_is_an_error_for_people(tmp_path):
    with pytest.raises(ReportError, match=r"verdicts\.json cannot be written: No such file"):
        write_reports(RunDirectory(tmp_path / "missing"), make_report_evidence(), make_verdict())
