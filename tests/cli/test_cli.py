"""The command's frame: help, usage errors, exit codes, where text goes. What subcommands compute is tested elsewhere."""

import json
import subprocess

import pytest

from conftest import DIGITS, compile_digits, find_command

COMMANDS = ["compile", "run", "bench", "explain", "inspect", "verify", "npu"]


def calotype(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([find_command(), *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_json(name):
    result = calotype(name, "--help")
    assert result.returncode == 0 and result.stderr == ""
    assert f"calotype {name}" in result.stdout and "Example:" in result.stdout and "--json" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["develop"], ["compile"], ["run", "x"], ["bench", "x", "--bogus"], ["bench", "x", "--threads", "two"]])
def test_usage_errors_exit_2_with_one_message(arguments):
    result = calotype(*arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("USAGE: ") and result.stderr.count("USAGE") == 1 and "--help" in result.stderr


def test_a_misspelt_command_or_option_names_the_nearest():
    result = calotype("compil", "model.onnx")
    assert result.returncode == 2 and result.stdout == ""
    assert "there is no command `compil`; the nearest is `compile`" in result.stderr
    result = calotype("bench", "x", "--tread", "2")
    assert result.returncode == 2 and "there is no option `--tread`; the nearest are `--threads`" in result.stderr


@pytest.mark.parametrize("arguments", [["inspect"], ["verify"], ["bench"], ["run", "--input", "i.npz", "--output", "o.npz"]])
def test_what_is_no_snapshot_exits_1(tmp_path, arguments):
    result = calotype(arguments[0], tmp_path, *arguments[1:])
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("SNAPSHOT_MISSING: ") and str(tmp_path) in result.stderr


def test_a_value_out_of_range_exits_2(tmp_path):
    result = calotype("run", tmp_path, "--input", "i.npz", "--output", "o.txt")
    assert result.returncode == 2 and result.stderr.startswith("OPTION_VALUE: `--output`")


@pytest.mark.parametrize(
    ("option", "value", "right"),
    [("--without", "bias-corection", "bias-correction"), ("--disable", "fold_batchnorm", "fold_batch_norm"),
     ("--npu", "VE2802_NPU_IP_O00_A304_M4", "VE2802_NPU_IP_O00_A304_M3")],
)
def test_a_misspelt_value_is_a_usage_error_with_the_nearest_name(tmp_path, option, value, right):
    result = calotype(*compile_digits(DIGITS / "calibration.npz", tmp_path / "s"), option, value)
    assert result.returncode == 2 and result.stderr.startswith("OPTION_VALUE: "), result.stderr
    assert value in result.stderr and f"`{right}`" in result.stderr and not (tmp_path / "s").exists()


@pytest.mark.parametrize("command", ["run", "bench"])
def test_limits_that_bind_no_run_are_no_options_of_it(command):
    told = calotype(command, "--help").stdout
    assert "--max-memory" in told and "--max-seconds" in told and "--max-macs" not in told
    assert "there is no option `--max-macs`" in calotype(command, "x", "--max-macs", "5").stderr


@pytest.mark.parametrize("command", ["compile", "run"])
def test_no_memory_at_all_is_no_limit(command):
    told = calotype(command, "x", *(["--samples", "y", "-o", "z"] if command == "compile" else ["--input", "y", "--output", "z"]),
                    "--max-memory", "0")
    assert told.returncode == 2 and told.stderr.startswith("OPTION_VALUE: `--max-memory`: it is 0, 1 to "), told.stderr
    assert "[half the machine's memory]" in calotype(command, "--help").stdout


def test_misspelt_kernels_are_a_usage_error(compiled):
    result = calotype("bench", compiled, "--kernels", "avx-2")
    assert result.returncode == 2 and "the nearest are `avx2`" in result.stderr, result.stderr


def test_a_missing_model_exits_1_and_writes_nothing(tmp_path):
    result = calotype("compile", tmp_path / "absent.onnx", "--samples", tmp_path / "s.npz", "-o", tmp_path / "out")
    assert result.returncode == 1 and "absent.onnx" in result.stderr and result.stderr.startswith("FILE_MISSING")
    assert list(tmp_path.iterdir()) == []


def test_npu_lists_the_default_configuration():
    listed = json.loads(calotype("npu", "--json").stdout)
    assert listed[0]["name"] == "VE2802_NPU_IP_O00_A304_M3" and listed[0]["tiles"] == 304
    one = json.loads(calotype("npu", listed[0]["name"], "--json").stdout)
    assert one == listed[0]["configuration"]
    wrong = calotype("npu", "VE2802_NPU_IP_O00_A304_M4")
    assert wrong.returncode == 2 and "VE2802_NPU_IP_O00_A304_M3" in wrong.stderr


def test_a_configuration_printed_is_one_to_compile_for(tmp_path):
    for entry in json.loads(calotype("npu", "--json").stdout):
        file = tmp_path / "printed.json"
        file.write_text(calotype("npu", entry["name"], "--json").stdout)
        told = json.loads(calotype("explain", DIGITS / "digits.onnx", "--npu", file, "--json").stdout)
        assert told["npu"] == {"name": entry["name"], "fingerprint": entry["fingerprint"]}


def test_results_that_cannot_be_written_are_no_success():
    with open("/dev/full", "w") as full:
        result = subprocess.run([find_command(), "npu"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr.startswith("FILE_UNWRITABLE")
