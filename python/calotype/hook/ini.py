"""vaisw.ini: `[SECTION]` and below it `OPTION=value`, which is VAISW_SECTION_OPTION; `NPU=...` stands before any section.
Lines that begin with # or ; are comments."""

from collections.abc import Iterator
from pathlib import Path

from calotype.hook.messages import user_error


def read(file: Path) -> Iterator[tuple[str, str, int]]:
    """(variable's name, value, line) of each option; nothing where there is no such file."""
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as reason:
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
