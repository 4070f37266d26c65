"""What only some processors have is compiled for those alone."""

import re
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"
OF_X86 = re.compile(r"#include <(immintrin|x86intrin|cpuid)\.h>|#pragma GCC target|__get_cpuid")


def unguarded(text: str) -> list[str]:
    """Lines of x86 that stand outside any `#if` on __x86_64__."""
    open_conditions, found = [], []
    for line in text.splitlines():
        if line.startswith("#if"):
            open_conditions.append("__x86_64__" in line)
        elif line.startswith("#endif"):
            open_conditions.pop()
        elif OF_X86.search(line) and not any(open_conditions):
            found.append(line)
    return found


def test_every_source_compiles_elsewhere():
    for path in sorted(SOURCES.rglob("*.cpp")):
        assert not unguarded(path.read_text()), path


def test_the_check_sees_what_has_no_guard():
    assert unguarded("#if defined(__x86_64__)\n#endif\n#include <immintrin.h>") == ["#include <immintrin.h>"]
    assert not unguarded("#if !defined(__x86_64__)\n#else\n#include <immintrin.h>\n#endif")
