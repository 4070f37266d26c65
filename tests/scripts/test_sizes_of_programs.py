"""The conditions of an exported program on its sizes lie in the cache as texts: they are computed, and nothing else is."""

import json
import os
import subprocess
import sys

import pytest

CONDITIONS = [  # over the sizes 1 and s0 = 100
    ("s0 < 200", True), ("200 <= s0", False), ("Eq(Mod(s0, 4), 0)", True), ("(s0 > 3) & (s0 < 9)", False),
    ("(s0 > 300) | (s0 < 101)", True), ("Max(s0, 7)**2 < 2*s0 + 10000", True), ("Ne(FloorDiv(s0, 3), -s0 + 133)", False),
]
NO_CONDITIONS = [
    "().__class__.__base__.__subclasses__()", "[s0]", "'x' * s0", "2**s0", "2**2**2**9", "(" * 9 + "9" + "**4)" * 9, "(lambda: s0)()", "~(s0 < 3)",
    "unknown < 3", "print(s0)", "s0 <", "(" * 100_000, "exit()",
]
# Importing calotype.hook turns it on: that is for a process of its own, as this one holds results of its own networks to the NPU's.
PROGRAM = """
import json, sys
from calotype.hook.torch_sizes import Sizes
print(json.dumps([Sizes(symbols, conditions).hold((tuple(shape),)) for symbols, conditions, shape in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def held():
    """What Sizes.hold says of each (symbols, conditions, shape)."""
    cases = [([[0, 0, "1"], [0, 1, "s0"]], [text], [1, 100]) for text, _ in CONDITIONS]
    cases += [([[0, 0, "s0"]], [text], [100]) for text in NO_CONDITIONS]
    cases += [([[0, 0, "s0"], [0, 0, text]], [], [100]) for text in NO_CONDITIONS]
    environment = os.environ | {"VAISW_ENABLE_PYWRAPPER": "0"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], input=json.dumps(cases), capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    return {(tuple(conditions), json.dumps(symbols)): answer
            for (symbols, conditions, _), answer in zip(cases, json.loads(ran.stdout), strict=True)}


@pytest.mark.parametrize("condition,holds", CONDITIONS)
def test_conditions(held, condition: str, holds: bool):
    assert held[(condition,), json.dumps([[0, 0, "1"], [0, 1, "s0"]])] == holds


@pytest.mark.parametrize("text", NO_CONDITIONS)
def test_other_texts_are_no_condition(held, text: str):
    assert not held[(text,), json.dumps([[0, 0, "s0"]])]
    assert not held[(), json.dumps([[0, 0, "s0"], [0, 0, text]])]
