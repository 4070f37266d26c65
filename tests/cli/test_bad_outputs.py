"""Output places that cannot be used, and compiles that are killed: nothing half-written, nothing of others lost."""

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import time

import pytest
from conftest import DIGITS, compile_digits


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


@pytest.mark.parametrize("path", ["", "/proc/out", "file/out", "file"])
def test_an_output_that_cannot_be_made_is_refused_before_the_work(calotype, compiled, tmp_path, path):
    """The samples, the model and the snapshot are missing: what is said of the output comes first."""
    (tmp_path / "file").write_text("kept")
    none, place = tmp_path / "none", str(tmp_path / path) if path.startswith("file") else path
    wanted = place if place else "empty"
    calotype.refuses("compile", DIGITS / "digits.onnx", "--samples", DIGITS / "calibration.npz", "-o", place, "--images",
                     "1000", names=wanted if path != "file/out" else str(tmp_path / "file"))
    for output in (f"{place}.npz", place) if path not in ("", "file") else (place,):
        calotype.refuses("run", none, "--input", none, "--output", output, names=wanted if path != "file/out" else "file")
    if path != "file":
        calotype.refuses("run", none, "--input", none, "--output", tmp_path / "fine.npz", "--layers-output",
                         f"{place}.npz" if path else tmp_path, names="FILE_UNWRITABLE")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_output_that_does_not_take_all_bytes(calotype, compiled, tmp_path):
    calotype.refuses(*compile_digits(DIGITS / "calibration.npz", tmp_path / "out"), names="FILE_UNWRITABLE",
                     file_bytes=4096)
    run = ("run", compiled, "--input", DIGITS / "test.npz", "--output", tmp_path / "out.npz")
    calotype.refuses(*run, names="FILE_UNWRITABLE", file_bytes=4096)
    assert list(tmp_path.iterdir()) == []


def test_full_disk(calotype, compiled, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", 0, b"size=16k") != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        calotype.refuses(*compile_digits(DIGITS / "calibration.npz", disk / "out"), names="No space left")
        assert list(disk.iterdir()) == []
        (disk / "out.npz").write_bytes(b"kept")
        run = ("run", compiled, "--input", DIGITS / "test.npz", "--output")
        calotype.refuses(*run, disk / "out.npz", names="No space left")
        assert [path.read_bytes() for path in disk.iterdir()] == [b"kept"]
    finally:
        libc.umount(os.fsencode(disk))


def test_devices_stay_devices(calotype, compiled, tmp_path):
    """A full one is an error, one that takes all is not; neither is ever replaced or removed."""
    full, null = tmp_path / "full.npz", tmp_path / "null.npz"
    try:
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        full.open("wb").close()
    except PermissionError:
        full.unlink(missing_ok=True)  # without root: links, which must stay links
        full.symlink_to("/dev/full")
        null.symlink_to("/dev/null")
    run = ("run", compiled, "--input", DIGITS / "test.npz", "--output")
    calotype.refuses(*run, full, names="full.npz")
    assert calotype(*run, null).code == 0
    calotype.refuses(*compile_digits(DIGITS / "calibration.npz", null), names="null.npz")
    calotype.refuses(*compile_digits(DIGITS / "calibration.npz", "/dev/null"), names="/dev/null")
    for device in (full, null, "/dev/full", "/dev/null"):
        assert stat.S_ISCHR(os.stat(device).st_mode), device
    assert sorted(os.listdir(tmp_path)) == ["full.npz", "null.npz"]


def test_a_run_that_fails_keeps_the_old_output(calotype, compiled, tmp_path):
    output = tmp_path / "out.npz"
    output.write_bytes(b"kept")
    run = ("run", compiled, "--input", DIGITS / "test.npz", "--output", output)
    calotype.refuses(*run, names="out.npz", file_bytes=4096)
    assert output.read_bytes() == b"kept" and os.listdir(tmp_path) == ["out.npz"]
    (tmp_path / ".out.npz.partial-999999999").write_bytes(b"of a killed run")
    assert calotype(*run).code == 0
    assert output.read_bytes() != b"kept" and os.listdir(tmp_path) == ["out.npz"]


def staging_of(snapshot):
    return [path for path in snapshot.parent.iterdir() if path.name.startswith(f".{snapshot.name}.partial-")]


def kill_compile(arguments, snapshot, seconds, from_staging_on, by=signal.SIGKILL):
    """Starts a compile and ends it after `seconds`, counted from its start or from the first byte it writes."""
    listening = ["env", "--default-signal", *arguments]  # the tests' own shell may have had SIGINT ignored
    process = subprocess.Popen(listening, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mine = f".{snapshot.name}.partial-{process.pid}"
    while from_staging_on and process.poll() is None and not (snapshot.parent / mine).exists():
        pass
    time.sleep(seconds)
    process.send_signal(by)
    process.wait()
    assert process.returncode in (0, -by)
    return process.returncode == -by


def test_killed_compile_leaves_the_old_or_the_new_snapshot(calotype, snapshot):
    old = (snapshot / "manifest.json").read_bytes()
    arguments = [calotype.path, *map(str, compile_digits(DIGITS / "calibration.npz", snapshot)), "--images", "8"]
    start = time.monotonic()
    subprocess.run([*arguments[:-3], f"{snapshot}.new", *arguments[-2:]], check=True, capture_output=True)
    whole_seconds = time.monotonic() - start
    new = (snapshot.parent / f"{snapshot.name}.new" / "manifest.json").read_bytes()
    assert new != old
    moments = [(whole_seconds * part / 6, False) for part in range(7)]
    moments += [(milliseconds / 1000, True) for milliseconds in (0, 0, 0.2, 0.5, 1, 2, 3, 5, 8)]
    killed = 0
    for seconds, from_staging_on in moments:
        killed += kill_compile(arguments, snapshot, seconds, from_staging_on)
        assert (snapshot / "manifest.json").read_bytes() in (old, new)
        verified = calotype("verify", snapshot)
        assert verified.code == 0, verified.stdout + verified.stderr
    assert killed >= 6
    (snapshot.parent / f".{snapshot.name}.partial-999999999").mkdir()  # of a process that is no more
    subprocess.run(arguments, check=True, capture_output=True)
    assert staging_of(snapshot) == []
    assert (snapshot / "manifest.json").read_bytes() == new


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda by: by.name)
def test_an_interrupted_compile_leaves_nothing(calotype, tmp_path, by):
    """The snapshot whole, where it was done, or nothing: none half-written, none beside its place."""
    target = tmp_path / "s"
    arguments = [calotype.path, *map(str, compile_digits(DIGITS / "calibration.npz", target))]
    ended = 0
    for milliseconds in (0, 0, 0, 0.2, 0.2, 0.5, 0.5, 1, 1, 2, 3):
        ended += kill_compile(arguments, target, milliseconds / 1000, True, by)
        assert os.listdir(tmp_path) in ([], ["s"])
        if target.exists():
            assert calotype("verify", target).code == 0
            shutil.rmtree(target)
    assert ended >= 3
    ignoring = subprocess.run(["sh", "-c", f"trap '' {by.name[3:]}; exec \"$@\"", "sh", *arguments], capture_output=True)
    assert ignoring.returncode == 0


def test_compiles_at_once_to_one_place_leave_one_whole_snapshot(calotype, tmp_path):
    arguments = [calotype.path, *map(str, compile_digits(DIGITS / "calibration.npz", tmp_path / "s"))]
    for _ in range(10):
        running = [subprocess.Popen([*arguments, "--images", str(4 + k)], stdout=subprocess.DEVNULL) for k in range(3)]
        assert [process.wait() for process in running] == [0, 0, 0]
        assert os.listdir(tmp_path) == ["s"]
        assert calotype("verify", tmp_path / "s").code == 0


@pytest.mark.parametrize("what", ["a folder with a file of mine", "the model's folder", "a file", "a link"])
def test_what_is_no_snapshot_is_never_replaced(calotype, tmp_path, what):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    target = {"a folder with a file of mine": mine, "the model's folder": mine, "a file": mine / "thesis.txt", "a link": tmp_path / "link"}[what]
    if what == "a link":
        target.symlink_to(mine)
    names = "thesis.txt" if target == mine else str(target)
    calotype.refuses(*compile_digits(DIGITS / "calibration.npz", target), names=names)
    assert (mine / "thesis.txt").read_text() == "years of work" and sorted(os.listdir(mine)) == ["thesis.txt"]


def test_an_empty_folder_and_a_snapshot_are_replaced(calotype, tmp_path):
    (tmp_path / "s").mkdir()
    for _ in range(2):
        assert calotype(*compile_digits(DIGITS / "calibration.npz", tmp_path / "s")).code == 0
    assert calotype("verify", tmp_path / "s").code == 0
