"""Samples and output places that cannot be used."""

import ctypes
import os
import resource
import signal
import subprocess
import time

import numpy as np
import pytest

import models
from conftest import DIGITS

IMAGE = np.zeros((4, 1, 8, 8), np.float32)
CASES = {
    "wrong name": ({"picture": IMAGE}, "picture"),
    "one too many": ({"image": IMAGE, "mask": IMAGE}, "mask"),
    "wrong shape": ({"image": np.zeros((4, 1, 9, 8), np.float32)}, "9"),
    "wrong rank": ({"image": np.zeros((8,), np.float32)}, "image"),
    "wrong type": ({"image": IMAGE.astype(np.float64)}, "float64"),
    "no numbers": ({"image": np.array([["a"]])}, "<U1"),
    "no samples": ({"image": IMAGE[:0]}, "image"),
}


def compile_digits(samples, output):
    return ("compile", DIGITS / "digits.onnx", "--samples", samples, "-o", output)


@pytest.mark.parametrize("name", CASES)
def test_samples_that_do_not_match(calotype, tmp_path, name):
    arrays, fault = CASES[name]
    given = models.samples(tmp_path / "samples.npz", **arrays)
    calotype.refuses(*compile_digits(given, tmp_path / "out"), names=fault)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


def test_samples_that_are_not_there(calotype, tmp_path):
    calotype.refuses(*compile_digits(tmp_path / "none.npz", tmp_path / "out"), names="none.npz")
    calotype.refuses(*compile_digits(tmp_path, tmp_path / "out"), names=str(tmp_path))
    (tmp_path / "cut.npz").write_bytes((DIGITS / "calibration.npz").read_bytes()[:500])
    calotype.refuses(*compile_digits(tmp_path / "cut.npz", tmp_path / "out"), names="cut.npz")


def test_inputs_that_do_not_match_a_snapshot(calotype, compiled, tmp_path):
    output = tmp_path / "out.npz"
    for name, (arrays, fault) in CASES.items():
        given = models.samples(tmp_path / "in.npz", **arrays)
        calotype.refuses("run", compiled, "--input", given, "--output", output, names=fault)
        assert not output.exists(), name


def test_unwritable_output(calotype, compiled, tmp_path):
    (tmp_path / "file").write_text("kept")
    samples = DIGITS / "calibration.npz"
    calotype.refuses(*compile_digits(samples, tmp_path / "file"), names="file")
    calotype.refuses(*compile_digits(samples, tmp_path / "file" / "out"), names="file")
    calotype.refuses(*compile_digits(samples, "/proc/out"), names="/proc")
    run = ("run", compiled, "--input", samples, "--output")
    calotype.refuses(*run, "/proc/out.npz", names="/proc/out.npz")
    calotype.refuses(*run, tmp_path / "none" / "out.npz", names="none")
    assert (tmp_path / "file").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def limit_file_size(size: int = 4096):
    """A full disk for one process: writing past the limit fails as EFBIG."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_output_that_does_not_take_all_bytes(calotype, compiled, tmp_path):
    calotype.refuses(*compile_digits(DIGITS / "calibration.npz", tmp_path / "out"), names="FILE_UNWRITABLE",
                     preexec_fn=limit_file_size)
    run = ("run", compiled, "--input", DIGITS / "test.npz", "--output", tmp_path / "out.npz")
    calotype.refuses(*run, names="FILE_UNWRITABLE", preexec_fn=limit_file_size)
    assert list(tmp_path.iterdir()) == []


def test_full_disk(calotype, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", 0, b"size=16k") != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        calotype.refuses(*compile_digits(DIGITS / "calibration.npz", disk / "out"), names="No space left")
        assert list(disk.iterdir()) == []
    finally:
        libc.umount(os.fsencode(disk))


def test_killed_compile_leaves_the_old_or_the_new_snapshot(calotype, snapshot):
    arguments = [calotype.path, *map(str, compile_digits(DIGITS / "calibration.npz", snapshot)), "--images", "8"]
    start = time.monotonic()
    subprocess.run(arguments, check=True, capture_output=True)
    whole_seconds = time.monotonic() - start
    for part in range(12):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole_seconds * part / 10)
        process.kill()
        process.wait()
        assert calotype("inspect", snapshot).code == 0
    subprocess.run(arguments, check=True, capture_output=True)
    assert [path.name for path in snapshot.parent.iterdir()] == [snapshot.name]  # leftovers are cleared away
