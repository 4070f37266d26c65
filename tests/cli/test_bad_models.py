"""Models that cannot be compiled: one clear message, exit 1, at once, nothing left behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hostile_models
import models
from conftest import DIGITS, ROOT, unsanitized

CASES = {
    "unknown operator": (lambda: models.conv(op="Konv"), "Konv"),
    "cycle": (models.cyclic, "`second` -> `third` -> `second` is a cycle"),
    "value made twice": (models.value_made_twice, "`y`"),
    "missing value": (models.missing_value, "nowhere"),
    "missing output": (models.missing_output, "nowhere"),
    "huge initializer": (lambda: models.initializer_with([1 << 40, 1 << 40]), "`w`"),
    "large initializer": (lambda: models.initializer_with([4, 2, 3, 30000]), "`w`"),
    "negative initializer": (lambda: models.initializer_with([-4, 2, 3, 3]), "`w`"),
    "input of a negative size": (lambda: models.conv(dims=(1, 2, -6, 6)), "x"),
    "input of an absurd size": (lambda: models.conv(dims=(1, 2, 1 << 40, 1 << 40)), "x"),
    "NaN weights": (models.nan_weights, "`w`"),
    "kernel larger than the map": (lambda: models.conv(np.ones((4, 2, 9, 9), np.float32)), "first"),
    "stride 0": (lambda: models.conv(strides=[0, 1]), "first"),
    "negative pad": (lambda: models.conv(pads=[-9, -9, -9, -9]), "first"),
    "groups that do not divide": (lambda: models.conv(group=3), "first"),
}


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_broken_model(calotype, tmp_path, name):
    make, fault = CASES[name]
    (tmp_path / "model.onnx").write_bytes(make().SerializeToString())
    given = models.samples(tmp_path / "samples.npz")
    before = listing(tmp_path)
    calotype.refuses("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out", names=fault)
    assert listing(tmp_path) == before


def data_beside(folder):
    """Files that external data may name."""
    (folder / "short.bin").write_bytes(bytes(10))
    outside = folder.with_name(folder.name + "-outside.bin")
    outside.write_bytes(bytes(288))
    (folder / "link.bin").symlink_to(outside)
    (folder / "hard.bin").hardlink_to(outside)
    os.mkfifo(folder / "pipe.bin")


@pytest.mark.parametrize("name", hostile_models.CASES)
def test_hostile_model(calotype, tmp_path, name):
    make, fault = hostile_models.CASES[name]
    model = make()
    (tmp_path / "model.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    data_beside(tmp_path)
    given = models.samples(tmp_path / "samples.npz")
    before = listing(tmp_path)
    calotype.refuses("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out", names=fault)
    assert listing(tmp_path) == before


def test_a_run_that_does_not_end_is_ended(calotype, tmp_path):
    """Its condition is known only at run time: time alone bounds it."""
    (tmp_path / "model.onnx").write_bytes(hostile_models.endless_while().SerializeToString())
    given = models.samples(tmp_path / "samples.npz")
    outcome = calotype("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out",
                       "--max-seconds", 1)
    assert outcome.code == 1 and "LIMIT_TIME: " in outcome.stderr and "--max-seconds" in outcome.stderr, outcome.stderr
    assert outcome.seconds < 4 and not (tmp_path / "out").exists()


def test_strings_that_double(calotype, tmp_path):
    """No shape says how long they become: the process's own memory bounds them."""
    (tmp_path / "model.onnx").write_bytes(hostile_models.doubled_strings().SerializeToString())
    given = models.samples(tmp_path / "samples.npz")
    outcome = calotype("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out",
                       "--max-memory", "64M")
    assert outcome.code == 1 and "LIMIT_MEMORY: " in outcome.stderr and "--max-memory" in outcome.stderr, outcome.stderr
    assert outcome.seconds < 20 and not (tmp_path / "out").exists()


MEETING = {  # each raised limit lets through what it refused
    "nesting": (lambda: hostile_models.doubling(40, 1), 64),
    "nodes": (lambda: hostile_models.doubling(3, 4), 10),
    "trips": (lambda: hostile_models.loop(10001), 10001),
    "memory": (models.conv, 100),
    "elements": (models.conv, 63),
    "macs": (models.conv, 100),
    "folded": (hostile_models.expanded_weights, 10),
}


@pytest.mark.parametrize("name", MEETING)
def test_a_limit_and_its_option(calotype, tmp_path, name):
    make, value = MEETING[name]
    (tmp_path / "model.onnx").write_bytes(make().SerializeToString())
    given = models.samples(tmp_path / "samples.npz")
    compile_ = ("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out")
    if name in ("nesting", "trips"):  # beyond the default
        calotype.refuses(*compile_, names=f"--max-{name}")
        assert calotype(*compile_, f"--max-{name}", value).code == 0
    else:
        calotype.refuses(*compile_, f"--max-{name}", value, names=f"--max-{name}")
        assert calotype(*compile_).code == 0


def test_the_page_lists_every_limit_and_every_case(calotype):
    page = (ROOT / "docs" / "hostile.md").read_text()
    options = re.findall(r"--max-\w+", calotype("compile", "--help").stdout)
    assert sorted(set(options)) == sorted(re.findall(r"^\| `(--max-\w+)` \|", page, re.MULTILINE))
    assert [name for name in (*CASES, *hostile_models.CASES) if f"\n| {name} | 1 | " not in page] == []


def test_a_damaged_model_names_byte_and_field(calotype, tmp_path):
    whole = models.conv().SerializeToString()
    (tmp_path / "model.onnx").write_bytes(whole[:-9])
    calotype.refuses("explain", tmp_path / "model.onnx", names="at byte 2, field 7 of ModelProto")


def test_a_large_model_is_read_in_linear_time(calotype, tmp_path):
    """Up to the upgrade of its last node, which is refused."""
    path = tmp_path / "model.onnx"
    subprocess.run([sys.executable, Path(__file__).with_name("large_model.py"), path], check=True)
    calotype.refuses("explain", path, names="last")


@unsanitized("it keeps what was freed")
def test_functions_written_out_take_memory_by_the_node(calotype, tmp_path):
    """10,000 nodes that become one: what it stands for was handed on by copies, 4 GB of them."""
    (tmp_path / "model.onnx").write_bytes(hostile_models.doubling(3, 10).SerializeToString())
    outcome = calotype("explain", tmp_path / "model.onnx", "--shape", "x=1x2x6x6")
    assert outcome.code == 0 and outcome.peak_bytes < 400 << 20, (outcome.stderr, outcome.peak_bytes)


def test_reading_ends_in_time(calotype, tmp_path):
    """Half a million nodes in 2 KB."""
    (tmp_path / "model.onnx").write_bytes(hostile_models.doubling(5, 9).SerializeToString())
    outcome = calotype("explain", tmp_path / "model.onnx", "--shape", "x=1x2x6x6", "--max-seconds", 1)
    assert outcome.code == 1 and "LIMIT_TIME: " in outcome.stderr and "--max-seconds" in outcome.stderr, outcome.stderr
    assert str(tmp_path / "model.onnx") in outcome.stderr and outcome.seconds < 20


def refuse_bytes(calotype, tmp_path, data: bytes):
    (tmp_path / "model.onnx").write_bytes(data)
    before = listing(tmp_path)
    given = DIGITS / "calibration.npz"
    calotype.refuses("compile", tmp_path / "model.onnx", "--samples", given, "-o", tmp_path / "out", names="model.onnx")
    assert listing(tmp_path) == before


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.7, 0.999])
def test_truncated_model(calotype, tmp_path, share):
    whole = (DIGITS / "digits.onnx").read_bytes()
    refuse_bytes(calotype, tmp_path, whole[: int(share * len(whole))])


@pytest.mark.parametrize("seed", range(5))
def test_random_model(calotype, tmp_path, seed):
    refuse_bytes(calotype, tmp_path, np.random.default_rng(seed).bytes(20000))


def test_model_of_another_format(calotype, tmp_path):
    refuse_bytes(calotype, tmp_path, (ROOT / "README.md").read_bytes())
    refuse_bytes(calotype, tmp_path, (DIGITS / "test.npz").read_bytes())


def test_missing_model(calotype, tmp_path):
    given = DIGITS / "calibration.npz"
    for path in (tmp_path / "none.onnx", tmp_path):
        calotype.refuses("compile", path, "--samples", given, "-o", tmp_path / "out", names=str(path))
    calotype.refuses("explain", tmp_path / "none.onnx", names="none.onnx")
