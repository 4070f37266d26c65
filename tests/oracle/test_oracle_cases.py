"""The stored cases are what the oracle computes today."""

import oracle_cases


def test_the_stored_cases_are_current():
    for name, content in oracle_cases.files().items():
        assert (oracle_cases.FOLDER / name).read_bytes() == content, f"{name} is stale: python tests/oracle/oracle_cases.py"
