"""A network's first inputs, kept on disk until it is compiled: one .npz a call, as `calotype compile --samples` reads them."""

import fcntl
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from calotype.hook.messages import say


class Recording:
    """A folder of this process's own. A killed process leaves its folder behind, with a lock that nobody holds: the next
    recording removes it."""

    def __init__(self, run_session: Path):
        home = run_session / "recordings"
        home.mkdir(parents=True, exist_ok=True)
        remove_abandoned(home)
        self.folder = Path(tempfile.mkdtemp(dir=home))
        self.lock = take_lock(self.folder)
        self.samples = self.folder / "samples"
        self.samples.mkdir()
        self.files: list[tuple[Path, int]] = []
        self.sizes: list[list[tuple]] = []  # of each file's arrays, without the batch

    @property
    def count(self) -> int:
        """Samples, not calls."""
        return sum(samples for _, samples in self.files)

    def add(self, arrays: dict[str, np.ndarray], samples: int) -> None:
        path = self.samples / f"{len(self.files):06}.npz"
        self.files.append((path, samples))
        self.sizes.append([array.shape[1:] for array in arrays.values()])
        try:
            write(path, arrays)
        except BaseException:
            self.drop_last()
            raise

    def drop_last(self) -> None:
        """Of a call that failed, or could not be written."""
        path, _ = self.files.pop()
        self.sizes.pop()
        path.unlink(missing_ok=True)

    def keep_first_size(self, reason: str) -> bool:
        """For a network that takes one size. False where nothing recorded has another."""
        others = [path for (path, _), sizes in zip(self.files, self.sizes) if sizes != self.sizes[0]]
        if not others:
            return False
        say(f"of recorded inputs of several sizes those of the first size calibrate: {reason}")
        for path in others:
            path.unlink(missing_ok=True)
        self.files = [file for file in self.files if file[0] not in others]
        self.sizes = self.sizes[:1] * len(self.files)
        return True

    def calls(self):
        """The recorded inputs, one call after the other."""
        for path, _ in self.files:
            with np.load(path, allow_pickle=False) as archive:
                yield {name: archive[name] for name in archive.files}

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.files.clear()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)


def take_lock(folder: Path) -> int:
    """A lock file that is held from the moment it can be seen."""
    hidden = folder / "lock.new"
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    hidden.rename(folder / "lock")
    return handle


def remove_abandoned(home: Path) -> None:
    for lock in home.glob("*/lock"):
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            pass  # somebody records there
        finally:
            os.close(handle)
