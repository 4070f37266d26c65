"""The environment variables and vaisw.ini: what is taken, what is refused and how."""

import os

import pytest

ONE_RUN = """
import sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
print("made")
session.run(None, {"x": np.zeros((1, 3, 16, 16), np.float32)})
print("run")
"""


@pytest.mark.parametrize("name, value, told", [
    ("VAISW_QUANTIZATION_NBIMAGE", "4", "OPTION_UNKNOWN: `VAISW_QUANTIZATION_NBIMAGE`: there is no such variable\n"
                                        "  try: the nearest is VAISW_QUANTIZATION_NBIMAGES"),
    ("VAISW_QUANTIZATION_NBIMAGES", "0", "it is `0`, allowed are whole numbers from 1 to 1000000"),
    ("VAISW_QUANTIZATION_NBIMAGES", "many", "it is `many`, allowed are whole numbers"),
    ("VAISW_QUANTIZATION_MODE", "dinamic", "try: VAISW_QUANTIZATION_MODE=dynamic"),
    ("VAISW_QUANTIZATION_MODE", "dynamic", "OPTION_NOT_BUILT: `VAISW_QUANTIZATION_MODE`: it is `dynamic`"),
    ("VAISW_DEEPQUANTIZATION_USE", "true", "OPTION_NOT_BUILT: `VAISW_DEEPQUANTIZATION_USE`"),
    ("VAISW_FE_PRECISION", "BF16", "OPTION_NOT_BUILT: `VAISW_FE_PRECISION`"),
    ("VAISW_FE_VIEWDTYPEINPUT", "FLOAT32", "OPTION_NOT_BUILT: `VAISW_FE_VIEWDTYPEINPUT`"),
    ("VAISW_FE_MIXEDRATIO", "0.05", "OPTION_NOT_BUILT: `VAISW_FE_MIXEDRATIO`"),
    ("VAISW_RUNSESSION_SUMMARY", "some", "allowed are all, short, none"),
    ("VAISW_NPU", "VE2802_NPU_IP_O00_A304_M4", "VE2802_NPU_IP_O00_A304_M3"),
    ("VAISW_ENABLE_PYWRAPPER", "maybe", "allowed are true, 1, false, 0"),
])  # fmt: skip
def test_refused_at_the_first_network_and_not_before(script, onnx_model, name, value, told):
    run = script(ONE_RUN, onnx_model, **{name: value})
    assert run.code == 1 and run.stdout == "made\n" and told in run.stderr, run.stderr
    assert "options.py" not in run.stderr  # the traceback tells where in the script it is
    assert script.ok("print('no network')", **{name: value}).stderr == ""


def test_names_of_the_original_without_effect(script, onnx_model):
    run = script.ok(ONE_RUN, onnx_model, VAISW_LOG_LEVEL=3, VAISW_USE_RAW_OUTPUTS=1)
    assert "VAISW_LOG_LEVEL has no effect here" in run.stderr
    assert "VAISW_USE_RAW_OUTPUTS has no effect here" in run.stderr


def test_defaults_may_be_spelled_out(script, onnx_model):
    script.ok(ONE_RUN, onnx_model, VAISW_FE_PRECISION="INT8", VAISW_DEEPQUANTIZATION_USE="false",
              VAISW_DEEPQUANTIZATION_NBIMAGES="200", VAISW_QUANTIZATION_MODE="constrainedCalibrationV1.5")  # fmt: skip


def test_an_empty_variable_is_as_good_as_none(script, onnx_model):
    names = ("NPU", "QUANTIZATION_NBIMAGES", "SNAPSHOT_DIRECTORY", "RUNSESSION_SUMMARY", "FE_MIXEDRATIO", "ENABLE_PYWRAPPER")
    run = script.ok(ONE_RUN, onnx_model, **{f"VAISW_{name}": "" for name in names})
    assert "after 1 of the 4 samples" in run.report, run.stderr
    run = script(ONE_RUN, onnx_model, VAISW_QUANTIZATION_NBIMAGE="")
    assert "there is no such variable" in run.stderr


def test_turned_off(script, onnx_model):
    for off in ("0", "false"):
        run = script.ok(ONE_RUN, onnx_model, VAISW_ENABLE_PYWRAPPER=off)
        assert run.stderr == ""


def write_ini(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vaisw.ini").write_text(text)


def test_later_places_win(script, onnx_model):
    def wanted(*arguments, **variables):
        report = script.ok(ONE_RUN, onnx_model, *arguments, **variables).report
        return report.partition("of the ")[2].partition(" samples")[0]

    assert wanted() == "4"
    write_ini(script.home / ".amd" / "vaisw", "# mine\n[QUANTIZATION]\nNBIMAGES=5\n")
    assert wanted() == "5"
    write_ini(script.folder, "[quantization]\nNBIMAGES = 6\n")
    assert wanted() == "6"
    assert wanted(VAISW_QUANTIZATION_NBIMAGES=7) == "7"
    module = ("-m", "calotype", "--quantization-nbimages", "8")
    assert wanted(python=module, VAISW_QUANTIZATION_NBIMAGES=7) == "8"


def test_a_wrong_line_of_an_ini_file_is_named(script, onnx_model):
    write_ini(script.folder, "[QUANTIZATION]\nNBIMAGE=5\n")
    run = script(ONE_RUN, onnx_model)
    assert run.code == 1 and f"`VAISW_QUANTIZATION_NBIMAGE` in {script.folder}/vaisw.ini, line 2" in run.stderr


def test_an_option_twice_in_an_ini_file_is_refused(script, onnx_model):
    write_ini(script.folder, "[QUANTIZATION]\nNBIMAGES=5\n[FE]\nPRECISION=INT8\n[quantization]\nnbimages=5\n")
    run = script(ONE_RUN, onnx_model)
    assert run.code == 1 and f"OPTION_TWICE: `VAISW_QUANTIZATION_NBIMAGES` in {script.folder}/vaisw.ini, line 6" in run.stderr
    assert "line 2 gives it too" in run.stderr, run.stderr


def test_a_long_line_of_an_ini_file_is_told_in_short(script, onnx_model):
    write_ini(script.folder, "[QUANTIZATION]\n" + "n" * 1_000_000 + "\n")
    run = script(ONE_RUN, onnx_model)
    assert run.code == 1 and "vaisw.ini`, line 2: `nnn" in run.stderr, run.stderr[:1000]
    assert len(run.stderr) < 4000


def test_an_ini_file_is_a_file(script, onnx_model):
    os.mkfifo(script.folder / "vaisw.ini")
    run = script(ONE_RUN, onnx_model)
    assert run.code == 1 and f"`{script.folder}/vaisw.ini`: it is not a regular file" in run.stderr


def test_summaries(script, onnx_model):
    assert script.ok(ONE_RUN, onnx_model, VAISW_RUNSESSION_SUMMARY="none").report == ""
    assert len(script.ok(ONE_RUN, onnx_model, VAISW_RUNSESSION_SUMMARY="short").report.splitlines()) == 1
    assert len(script.ok(ONE_RUN, onnx_model, VAISW_RUNSESSION_SUMMARY="all").report.splitlines()) > 5
