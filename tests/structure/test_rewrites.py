"""Every rewrite of the pipeline has its file, a test that it happens and a test that it does not."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFUSALS = re.compile(r"^(Declines|Leaves)|Stays?($|[A-Z])|IsUntouched")


def rewrites(pipeline: str) -> list[str]:
    return re.findall(r'^        \{"(\w+)", ', pipeline, re.MULTILINE)


def untested(names: list[str], tests: str) -> list[str]:
    """What is missing, a line each. A rewrite's tests are the suite of its name, in any case, without underscores."""
    suites: dict[str, list[str]] = {}
    for suite, case in re.findall(r"^TEST\((\w+), (\w+)\)", tests, re.MULTILINE):
        suites.setdefault(suite.lower(), []).append(case)
    missing = []
    for name in names:
        cases = suites.get(name.replace("_", ""), [])
        if all(REFUSALS.search(case) for case in cases):
            missing.append(f"{name}: no test in which it happens")
        if not any(REFUSALS.search(case) for case in cases):
            missing.append(f"{name}: no test in which it declines")
    return missing


def test_every_rewrite_is_tested_both_ways():
    names = rewrites((ROOT / "src/optimize/pipeline.cpp").read_text())
    assert len(names) > 20
    assert untested(names, "".join(p.read_text() for p in sorted((ROOT / "tests/optimize").glob("*_test.cpp")))) == []


def test_every_rewrite_has_its_file():
    for name in rewrites((ROOT / "src/optimize/pipeline.cpp").read_text()):
        assert (ROOT / "src/optimize" / f"{name}.cpp").exists(), name


def test_a_missing_test_is_found():
    tests = "TEST(FoldA, IntoB) {\nTEST(FoldA, DeclinesC) {\nTEST(FoldB, IntoC) {\nTEST(FoldC, StaysWhereItIs) {\n"
    assert untested(["fold_a", "fold_b", "fold_c"], tests) == [
        "fold_b: no test in which it declines",
        "fold_c: no test in which it happens",
    ]
