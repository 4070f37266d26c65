"""Compiled networks, kept from run to run: <run session>/networks/<key>/ with the snapshot and entry.json.

An entry appears whole, by one rename, and may vanish at any time: that costs a compilation and nothing else.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from calotype.hook.messages import say

LIMIT_BYTES = 10 << 30


@dataclass
class Entry:
    folder: Path
    facts: dict  # entry.json: what the report and the framework's hook need to know of the network

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshot"


class Cache:
    """`folder` is written to; entries are also found in `others`, which may be read-only."""

    def __init__(self, folder: Path, others: tuple[Path, ...] = ()):
        self.folder = folder
        self.others = others

    @contextlib.contextmanager
    def locked(self, key: str):
        """One process makes an entry at a time; the lock goes with its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another process compiles this network: waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def find(self, key: str) -> Entry | None:
        for home in (self.folder, *self.others):
            folder = home / key
            if not folder.exists():
                continue
            try:
                facts = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
                if facts["key"] != key:
                    raise ValueError("it is another network's")
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as reason:
                self.discard(Entry(folder, {}), str(reason))
                continue
            with contextlib.suppress(OSError):
                os.utime(folder)  # its latest use
            return Entry(folder, facts)
        return None

    def discard(self, entry: Entry, reason: str) -> None:
        say(f"the compiled network in {entry.folder} is damaged and will be made anew: {reason}")
        remove(entry.folder)

    def add(self, key: str, make) -> Entry:
        """`make(folder)` fills a new folder and gives the facts. Called with the key locked."""
        remove_leftovers(self.folder, key)
        staging = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=self.folder))
        try:
            facts = {**make(staging), "key": key}
            (staging / "entry.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
            remove(self.folder / key)
            staging.rename(self.folder / key)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        self.trim(keep=key)
        return Entry(self.folder / key, facts)

    def trim(self, keep: str) -> None:
        """Removes the entries used longest ago until the rest fits."""
        entries = sorted((folder for folder in self.folder.iterdir() if is_entry(folder)), key=last_use)
        sizes = {folder: bytes_of(folder) for folder in entries}
        total = sum(sizes.values())
        for folder in entries:
            if total <= LIMIT_BYTES:
                break
            if folder.name != keep:
                remove(folder)
                (self.folder / f"{folder.name}.lock").unlink(missing_ok=True)
                total -= sizes[folder]


def is_entry(folder: Path) -> bool:
    return not folder.name.startswith(".") and folder.is_dir()


def last_use(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def bytes_of(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, file)).st_size
    return total


def remove(folder: Path) -> None:
    """Out of sight in one step, then from the disk."""
    hidden = folder.with_name(f".{folder.name}.old{os.getpid()}")
    try:
        folder.rename(hidden)
    except OSError:
        return  # gone, or not ours to remove
    shutil.rmtree(hidden, ignore_errors=True)
    if hidden.exists() or hidden.is_symlink():
        hidden.unlink(missing_ok=True)


def remove_leftovers(home: Path, key: str) -> None:
    """Of a process that was killed while it held the key's lock."""
    for folder in home.glob(f".{key}.*"):
        shutil.rmtree(folder, ignore_errors=True)
