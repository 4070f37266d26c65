"""Snapshots that were damaged, forged or made for another configuration are refused before anything runs."""

import json
import os
import shutil

import forge
import numpy as np
import pytest
from conftest import DIGITS, SANITIZER

POSITIONS_A_FILE = 12
ODD_VALUES = (None, True, -1, 1 << 62, 1e300, "x", "../../etc/passwd", [], {}, [[[]]])


def files_of(snapshot):
    files = sorted(path for path in snapshot.rglob("*") if path.is_file())
    assert len(files) >= 4
    return files


def test_the_forger_writes_what_the_tool_writes(snapshot):
    """Else the forged snapshots below would be refused for their checksum alone."""
    assert forge.manifest_text(forge.read_manifest(snapshot)) == (snapshot / "manifest.json").read_text()


def test_one_byte_changed_anywhere(calotype, snapshot):
    rng = np.random.default_rng(7)
    for file in files_of(snapshot):
        good = file.read_bytes()
        positions = {0, len(good) // 2, len(good) - 1, *rng.integers(0, len(good), POSITIONS_A_FILE).tolist()}
        for position in sorted(positions):
            changed = bytearray(good)
            changed[position] ^= 1 << int(rng.integers(8))
            file.write_bytes(changed)
            calotype.refuses("inspect", snapshot, names=file.name)
        file.write_bytes(good)
    assert calotype("inspect", snapshot).code == 0


def test_missing_truncated_and_foreign_files(calotype, snapshot, tmp_path):
    calotype.refuses("inspect", tmp_path / "none", names="none")
    calotype.refuses("inspect", DIGITS, names="digits")
    run = ("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz")
    for file in files_of(snapshot):
        good = file.read_bytes()
        file.unlink()
        calotype.refuses(*run, names=file.name)
        file.mkdir()
        calotype.refuses(*run, names=file.name)
        file.rmdir()
        for size in (0, len(good) // 2, len(good) - 1):
            file.write_bytes(good[:size])
            calotype.refuses("inspect", snapshot, names=file.name)
        file.write_bytes(good + b"\0")
        calotype.refuses("inspect", snapshot, names=file.name)
        file.write_bytes(good)
    (snapshot / "more.bin").write_bytes(b"more")
    assert "move it out of the directory" in calotype.refuses(*run, names="more.bin").stderr
    assert not (tmp_path / "o.npz").exists()


def test_a_file_of_another_size_is_not_read(calotype, snapshot):
    """A sparse one costs its maker nothing."""
    for file in files_of(snapshot):
        size = file.stat().st_size
        os.truncate(file, 16 << 30)
        calotype.refuses("inspect", snapshot, names=file.name)
        os.truncate(file, size)
    assert calotype("inspect", snapshot).code == 0


def test_a_manifest_of_many_keys(calotype, snapshot):
    """In time that grows with its bytes."""
    many = ",".join(f'"k{i}":0' for i in range(300_000))
    (snapshot / "manifest.json").write_text(f'{{{many},"sha256":"x"}}')
    calotype.refuses("inspect", snapshot, names="manifest.json")


def test_files_larger_than_the_memory_allowed(calotype, snapshot, tmp_path):
    run = ("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz")
    assert calotype(*run, "--max-memory", 100_000).code == 0  # bounds the tensors of a run
    for size, limit, says in ((1 << 43, (), "LIMIT_MEMORY"), (600 << 20, ("--max-memory", "1M"), "--max-memory"),
                              (-1, (), "weights.safetensors")):
        forged = forge.with_value(forge.read_manifest(snapshot), ("files", "weights.safetensors", "bytes"), size)
        forge.write_manifest(snapshot, forged)
        calotype.refuses(*run, *limit, names=says)


def test_another_configuration(calotype, snapshot, tmp_path):
    other = "VE2802_NPU_IP_O00_A304_M3_EXTENDED"
    run = ("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz", "--npu", other)
    outcome = calotype.refuses(*run, names="CONFIG_SNAPSHOT_MISMATCH")
    assert other in outcome.stderr and "VE2802_NPU_IP_O00_A304_M3" in outcome.stderr, outcome.stderr


def test_a_link_out_of_the_snapshot_is_not_followed(calotype, snapshot, tmp_path):
    for file in files_of(snapshot):
        outside = tmp_path / "outside"
        shutil.move(file, outside)
        file.symlink_to(outside)
        calotype.refuses("inspect", snapshot, names=file.name)
        file.unlink()
        shutil.move(outside, file)


def refuse_or_run(calotype, snapshot, output):
    """A forged value may be harmless; it must never crash, hang or write anything when refused."""
    outcome = calotype("run", snapshot, "--input", DIGITS / "test.npz", "--output", output)
    assert outcome.code in (0, 1), outcome.stderr
    assert outcome.code == 0 or not output.exists()
    output.unlink(missing_ok=True)
    return outcome


@pytest.mark.parametrize("name", ["manifest.json", "layers.json"])
def test_values_of_other_types_and_huge_numbers(calotype, snapshot, tmp_path, name):
    rng = np.random.default_rng(11)
    good = json.loads((snapshot / name).read_text())
    paths = [path for path in forge.leaves(good) if path and path != ("sha256",)]
    tried, refused = min(60, len(paths)), 0
    for path in [paths[i] for i in rng.choice(len(paths), tried, replace=False)]:
        forged = forge.with_value(good, path, ODD_VALUES[int(rng.integers(len(ODD_VALUES)))])
        if name == "manifest.json":
            forge.write_manifest(snapshot, forged)
        else:
            forge.replace(snapshot, name, json.dumps(forged).encode())
        refused += refuse_or_run(calotype, snapshot, tmp_path / "o.npz").code
    assert refused > 0.8 * tried


@pytest.mark.parametrize("name", ["manifest.json", "layers.json", "report.json"])
def test_deep_nesting(calotype, snapshot, name):
    deep = b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"
    if name == "manifest.json":
        (snapshot / name).write_bytes(deep)
    else:
        forge.replace(snapshot, name, deep)
    calotype.refuses("inspect", snapshot, names=name)


def test_a_safetensors_header_that_lies(calotype, snapshot):
    good = (snapshot / "weights.safetensors").read_bytes()
    length = int.from_bytes(good[:8], "little")
    header, data = json.loads(good[8 : 8 + length]), good[8 + length :]
    first = next(iter(header))
    for key, value in {
        "shape": [1 << 62], "data_offsets": [0, 1 << 62], "dtype": "F4096", "shape ": [-1], "data_offsets ": [8, 0]
    }.items():
        text = json.dumps(forge.with_value(header, (first, key.strip()), value)).encode()
        forge.replace(snapshot, "weights.safetensors", len(text).to_bytes(8, "little") + text + data)
        calotype.refuses("inspect", snapshot, names="weights.safetensors")
    for size in (b"\xff" * 8, b"\0" * 8):
        forge.replace(snapshot, "weights.safetensors", size + good[8:])
        calotype.refuses("inspect", snapshot, names="weights.safetensors")


def test_a_safetensors_header_of_a_million_tensors(calotype, snapshot):
    entry = '{"dtype":"I8","shape":[0],"data_offsets":[0,0]}'
    text = ("{" + ",".join(f'"t{i}":{entry}' for i in range(1_000_000)) + "}").encode()
    forge.replace(snapshot, "weights.safetensors", len(text).to_bytes(8, "little") + text)
    calotype.refuses("inspect", snapshot, names="its header has 57888891 bytes, at most 8388608 are read")


def test_a_report_of_50_megabytes(calotype, snapshot, tmp_path):
    """A run does not look into it; whoever does refuses it before anything is made of it."""
    forge.replace(snapshot, "report.json", b'{"layers":[' + b"{}," * (50_000_000 // 3) + b"{}]}")
    outcome = calotype("run", snapshot, "--input", DIGITS / "test.npz", "--output", tmp_path / "o.npz")
    assert outcome.code == 0 and (SANITIZER or outcome.seconds < 1), outcome
    calotype.refuses("inspect", snapshot, names="`report.json`: it holds more than 2097152 values")


def test_a_report_of_other_types(calotype, snapshot):
    """Read by what shows it or measures anew; whatever it holds, nothing else ends than the command."""
    good = json.loads((snapshot / "report.json").read_text())
    paths = [(key,) for key in good] + [path for path in forge.leaves(good) if path[:1] in (("totals",), ("options",))]
    paths += [path for path in forge.leaves(good) if path[:2] in (("operators", 0), ("layers", 0), ("outputs", 0))]
    measured = ("--model", DIGITS / "digits.onnx", "--samples", DIGITS / "calibration.npz", "--images", 1)
    for path in dict.fromkeys(path for path in paths if path):
        for odd in (1, [1]):
            forge.replace(snapshot, "report.json", json.dumps(forge.with_value(good, path, odd)).encode())
            read_anew = path[0] in ("operators", "options")
            for command in (("inspect", snapshot), *([("verify", snapshot, *measured)] if read_anew else [])):
                outcome = calotype(*command)
                assert outcome.code in (0, 1), (path, odd, outcome.stderr)
                assert outcome.code == 0 or "`report.json`" in outcome.stderr, (path, odd, outcome.stderr)


def test_a_key_twice(calotype, snapshot):
    layers = (snapshot / "layers.json").read_text()
    forge.replace(snapshot, "layers.json", layers.replace('"name"', '"name": "x", "name"', 1).encode())
    calotype.refuses("inspect", snapshot, names="`layers.json`: the key `name` stands twice in one object")
    manifest = (snapshot / "manifest.json").read_text()
    (snapshot / "manifest.json").write_text(manifest.replace('"batch"', '"batch": 1, "batch"', 1))
    calotype.refuses("inspect", snapshot, names="`manifest.json`: the key `batch` stands twice in one object")


@pytest.mark.parametrize("name", ["program.bin", "golden.safetensors", "weights.safetensors"])
def test_forged_bytes(calotype, snapshot, tmp_path, name):
    rng = np.random.default_rng(5)
    good = (snapshot / name).read_bytes()
    for _ in range(40):
        changed = bytearray(good)
        for position in rng.integers(0, min(len(good), 4096), 3):
            changed[position] = int(rng.integers(256))
        forge.replace(snapshot, name, bytes(changed))
        refuse_or_run(calotype, snapshot, tmp_path / "o.npz")
