"""What is costly to make stays in the work folder for the next run, as long as it would come out the same."""

import hashlib
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, sources: list[bytes | str | Path], make: Callable[[], None]) -> Path:
    """`path`, made anew where it is absent or was made from other `sources`; a Path stands for the file's bytes."""
    digest = hashlib.sha256()
    for source in sources:
        part = source.read_bytes() if isinstance(source, Path) else source.encode() if isinstance(source, str) else source
        digest.update(f"{len(part)} ".encode() + part)
    stamp = path.with_name(f"{path.name}.key")
    if not path.exists() or not stamp.exists() or stamp.read_text() != digest.hexdigest():
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        make()
        stamp.write_text(digest.hexdigest())
    return path
