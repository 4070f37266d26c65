"""The conditions of an exported program on its sizes lie in the cache as texts: they are computed, and nothing else is."""

import pytest
from calotype.hook.torch_sizes import Sizes


@pytest.mark.parametrize("condition,holds", [
    ("s0 < 200", True), ("200 <= s0", False), ("Eq(Mod(s0, 4), 0)", True), ("(s0 > 3) & (s0 < 9)", False),
    ("(s0 > 300) | (s0 < 101)", True), ("Max(s0, 7)**2 < 2*s0 + 10000", True), ("Ne(FloorDiv(s0, 3), -s0 + 133)", False),
])
def test_conditions(condition: str, holds: bool):
    assert Sizes([[0, 0, "1"], [0, 1, "s0"]], [condition]).hold(((1, 100),)) == holds


@pytest.mark.parametrize("text", [
    "().__class__.__base__.__subclasses__()", "[s0]", "'x' * s0", "2**s0", "2**2**2**9", "(lambda: s0)()", "~(s0 < 3)",
    "unknown < 3", "print(s0)", "s0 <", "(" * 100_000, "exit()",
])
def test_other_texts_are_no_condition(text: str):
    assert not Sizes([[0, 0, "s0"]], [text]).hold(((100,),))
    assert not Sizes([[0, 0, "s0"], [0, 0, text]], []).hold(((100,),))
