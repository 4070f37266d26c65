"""Snapshots that were damaged or made for another configuration are refused before anything runs."""

import json
import shutil

import numpy as np

from conftest import DIGITS

POSITIONS_A_FILE = 12


def test_one_byte_changed_anywhere(calotype, snapshot):
    rng = np.random.default_rng(7)
    files = sorted(path for path in snapshot.rglob("*") if path.is_file())
    assert len(files) >= 4
    for file in files:
        good = file.read_bytes()
        positions = {0, len(good) - 1, *rng.integers(0, len(good), POSITIONS_A_FILE).tolist()}
        for position in sorted(positions):
            changed = bytearray(good)
            changed[position] ^= 1 << int(rng.integers(8))
            file.write_bytes(changed)
            outcome = calotype("inspect", snapshot)
            shown = f"byte {position} of {file.name}: {outcome.stdout[:200]}{outcome.stderr}"
            assert outcome.code == 1 and outcome.stdout == "", shown
            assert "SNAPSHOT" in outcome.stderr and len(outcome.stderr.splitlines()) <= 3, shown
        file.write_bytes(good)
    assert calotype("inspect", snapshot).code == 0


def test_missing_truncated_and_foreign_files(calotype, snapshot, tmp_path):
    calotype.refuses("inspect", tmp_path / "none", names="none")
    calotype.refuses("inspect", DIGITS, names="digits")
    for file in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        good = file.read_bytes()
        file.unlink()
        calotype.refuses("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz", names=file.name)
        for size in (0, len(good) // 2):
            file.write_bytes(good[:size])
            calotype.refuses("inspect", snapshot, names=file.name)
        file.write_bytes(good)
    assert not (tmp_path / "o.npz").exists()


def test_another_configuration(calotype, snapshot, tmp_path):
    name = json.loads(calotype("inspect", snapshot, "--json").stdout)
    other = "VE2802_NPU_IP_O00_A304_M3_EXTENDED"
    run = ("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz", "--npu", other)
    outcome = calotype.refuses(*run, names="CONFIG_SNAPSHOT_MISMATCH")
    assert other in outcome.stderr and "VE2802_NPU_IP_O00_A304_M3" in outcome.stderr, (name, outcome.stderr)


def test_a_link_out_of_the_snapshot_is_not_followed(calotype, snapshot, tmp_path):
    target = next(path for path in sorted(snapshot.iterdir()) if path.suffix == ".safetensors")
    outside = tmp_path / "outside"
    shutil.move(target, outside)
    target.symlink_to(outside)
    calotype.refuses("inspect", snapshot, names=target.name)
