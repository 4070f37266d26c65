"""vaisw.ini: `[SECTION]` and below it `OPTION=value`, which is VAISW_SECTION_OPTION; `NPU=...` stands before any section.
Lines that begin with # or ; are comments."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from calotype.hook.messages import user_error


MOST_BYTES = 1 << 20


def text_of(file: Path) -> str:
    """Of a regular file: whatever lies in the current folder, a pipe is not waited for."""
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    return content.decode("utf-8")


def read(file: Path) -> Iterator[tuple[str, str, int]]:
    """(variable's name, value, line) of each option; nothing where there is no such file."""
    try:
        text = text_of(file)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as reason:
        raise user_error("FILE_UNREADABLE", f"`{file}`", str(reason), "mend it, or remove it")
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            section = line[1:-1].strip().upper() + "_"
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise user_error("OPTION_FILE", f"`{file}`, line {number}", f"`{line}` is neither [SECTION] nor OPTION=value")
        yield "VAISW_" + section + name.strip().upper(), value.strip(), number
