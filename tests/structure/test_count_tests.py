"""The end of a test run's log says which tests failed and with what."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "count_tests.py"
GOOGLE_TEST = """<testsuite>
<testcase name="base/Good" classname="base/Good" status="run"><system-out>fine</system-out></testcase>
<testcase name="base/Bad" classname="base/Bad" status="fail"><failure message=""/><system-out>Running main
place.cpp:10: Failure
Expected equality of these values
</system-out></testcase>
</testsuite>"""
PYTEST = """<testsuites><testsuite>
<testcase classname="tests.x" name="test_a"><failure message="AssertionError: 3 is not 4">long</failure></testcase>
<testcase classname="tests.x" name="test_b"><skipped message="no data"/></testcase>
</testsuite></testsuites>"""


def counted(folder: Path, statuses: list[str], **files: str) -> subprocess.CompletedProcess:
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text)
    return subprocess.run([sys.executable, SCRIPT, folder, *statuses], capture_output=True, text=True)


def test_failures_tell_their_message(tmp_path: Path):
    ran = counted(tmp_path, ["8", "1"], ctest=GOOGLE_TEST, pytest=PYTEST)
    assert ran.returncode == 1
    assert ran.stdout.splitlines() == [
        "failed: base/Bad base/Bad", "    place.cpp:10: Failure", "    Expected equality of these values",
        "failed: tests.x test_a", "    AssertionError: 3 is not 4", "skipped: 1 as no data", "1 passed, 2 failed, 1 skipped"]


def test_a_runner_that_broke_off_fails(tmp_path: Path):
    ran = counted(tmp_path, ["0", "1"], ctest=GOOGLE_TEST)
    assert ran.returncode == 1 and "a test runner broke off: exit codes [0, 1], 1 result files" in ran.stdout
