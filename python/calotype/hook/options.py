"""The environment variables: one table, and how a value is found, read and refused.

A later place wins: vaisw.ini beside the installation, ~/.amd/vaisw/vaisw.ini, ./vaisw.ini, the environment (where
`python3 -m calotype` puts its own options).
"""

import contextlib
import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from calotype.hook import ini
from calotype.hook.messages import say_once, user_error

DEFAULT_NPU = "VE2802_NPU_IP_O00_A304_M3"


@dataclass(frozen=True)
class Kind:
    """How a variable's text is read; `allowed` is the sentence for a text that cannot be."""

    read: Callable[[str], object]
    allowed: str
    choices: tuple[str, ...] = ()


def one_of(*choices: str) -> Kind:
    by_lower = {choice.lower(): choice for choice in choices}
    return Kind(lambda text: by_lower[text.lower()], f"allowed are {', '.join(choices)}", choices)


def whole_number(least: int, most: int) -> Kind:
    def read(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError
        return value

    return Kind(read, f"allowed are whole numbers from {least} to {most}")


def share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise ValueError
    return value


def absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except OSError:
        raise ValueError  # from a working folder that was removed


BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
BOOLEAN = Kind(lambda text: BOOLEANS[text.lower()], "allowed are true, 1, false, 0", tuple(BOOLEANS))
FOLDER = Kind(lambda text: absolute(Path(text).expanduser()), "a folder's path is needed")
TEXT = Kind(str, "a name is needed")
MODES = one_of("constrainedCalibrationV1.5", "constrainedCalibrationV2", "dynamic", "dynamicV2")
VIEWS = one_of("AUTO", "FLOAT32")


@dataclass(frozen=True)
class Option:
    name: str
    default: object
    kind: Kind
    built: bool = True  # False: any value but the default is refused, since what it asks for does not exist yet


TABLE = (
    Option("VAISW_RUNSESSION_DIRECTORY", None, FOLDER),  # ~/.amd/vaisw
    Option("VAISW_RUNSESSION_SUMMARY", "all", one_of("all", "short", "none")),
    Option("VAISW_SNAPSHOT_DIRECTORY", None, FOLDER),  # <run session>/snapshot
    Option("VAISW_QUANTIZATION_NBIMAGES", 4, whole_number(1, 1_000_000)),
    Option("VAISW_QUANTIZATION_MODE", "constrainedCalibrationV1.5", MODES, built=False),
    Option("VAISW_DEEPQUANTIZATION_USE", False, BOOLEAN, built=False),
    Option("VAISW_DEEPQUANTIZATION_NBIMAGES", 200, whole_number(1, 1_000_000), built=False),
    Option("VAISW_DEEPQUANTIZATION_NBEPOCHS", 5, whole_number(1, 10_000), built=False),
    Option("VAISW_FE_PRECISION", "INT8", one_of("INT8", "BF16", "MIXED"), built=False),
    Option("VAISW_FE_MIXEDSELECTION", "BEFORE_LAST_CONV", one_of("BEFORE_LAST_CONV", "TAIL"), built=False),
    Option("VAISW_FE_MIXEDRATIO", None, Kind(share, "a number above 0 and at most 1 is needed"), built=False),
    Option("VAISW_FE_VIEWDTYPEINPUT", None, VIEWS, built=False),
    Option("VAISW_FE_VIEWDTYPEOUTPUT", None, VIEWS, built=False),
    Option("VAISW_ENABLE_PYWRAPPER", True, BOOLEAN),
    Option("VAISW_NPU", DEFAULT_NPU, TEXT),
)
BY_NAME = {option.name: option for option in TABLE}

# Names of the original that change nothing here. Those that end in _ stand for all that begin so.
WITHOUT_EFFECT = (
    "VAISW_LOG_",
    "VAISW_REPORTING_",
    "VAISW_USE_RAW_OUTPUTS",
    "VAISW_USE_ACCURATE_BF16_QUANTIZATION",
)


def without_effect(name: str) -> bool:
    return any(name == known or (known.endswith("_") and name.startswith(known)) for known in WITHOUT_EFFECT)


def value_of(option: Option, text: str, place: str):
    """`place` says where the text stands, for the error."""
    subject = f"`{option.name}`{place}"
    try:
        value = option.kind.read(text.strip())
    except (KeyError, ValueError, OverflowError, RuntimeError):  # RuntimeError: ~ of an unknown user
        raise user_error("OPTION_VALUE", subject, f"it is `{text}`, {option.kind.allowed}", nearest_value(option, text))
    if not option.built and value != option.default:
        default = "unset" if option.default is None else f"`{option.default}`"
        default = default.lower() if option.kind is BOOLEAN else default
        raise user_error("OPTION_NOT_BUILT", subject, f"it is `{text}`, only {default} is built so far", "leave it out")
    return value


def nearest_value(option: Option, text: str) -> str:
    by_lower = {choice.lower(): choice for choice in option.kind.choices}
    near = difflib.get_close_matches(text.lower(), by_lower, 1, cutoff=0.3)
    return f"{option.name}={by_lower[near[0]]}" if near else ""


def check_name(name: str, place: str, mention: Callable[[str], None]) -> bool:
    """Whether the name has a value to read."""
    if name in BY_NAME:
        return True
    if without_effect(name):
        mention(f"{name}{place} has no effect here")
        return False
    near = difflib.get_close_matches(name, BY_NAME, 1, cutoff=0)[0]
    raise user_error("OPTION_UNKNOWN", f"`{name}`{place}", "there is no such variable", f"the nearest is {near}")


def ini_files() -> list[Path]:
    """Weakest first."""
    places = [Path(__file__).parents[1] / "vaisw.ini"]
    with contextlib.suppress(RuntimeError):  # no home folder
        places.append(Path.home() / ".amd" / "vaisw" / "vaisw.ini")
    with contextlib.suppress(OSError):  # the working folder was removed
        places.append(Path.cwd() / "vaisw.ini")
    return places


class Options:
    """Each variable's value, as attributes do in `options["VAISW_NPU"]`."""

    def __init__(self, environment=os.environ, mention: Callable[[str], None] = say_once):
        self.mention = mention
        self.values = {option.name: option.default for option in TABLE}
        for file in ini_files():
            lines = {}
            for name, text, line in ini.read(file):
                place = f" in {file}, line {line}"
                if (before := lines.setdefault(name, line)) != line:
                    raise user_error("OPTION_TWICE", f"`{name}`{place}", f"line {before} gives it too", "remove one of them")
                self.take(name, text, place)
        for name in sorted(environment):
            if name.startswith("VAISW_"):
                self.take(name, environment[name], "")
        self.set_folders()

    def __getitem__(self, name: str):
        return self.values[name]

    def take(self, name: str, text: str, place: str) -> None:
        """An empty text is as good as none: `VAISW_NPU= python3 script.py` unsets a variable."""
        if check_name(name, place, self.mention) and text.strip():
            self.values[name] = value_of(BY_NAME[name], text, place)

    def set_folders(self) -> None:
        if self.values["VAISW_RUNSESSION_DIRECTORY"] is None:
            self.values["VAISW_RUNSESSION_DIRECTORY"] = Path(os.path.expanduser("~/.amd/vaisw")).absolute()
        if self.values["VAISW_SNAPSHOT_DIRECTORY"] is None:
            self.values["VAISW_SNAPSHOT_DIRECTORY"] = self.values["VAISW_RUNSESSION_DIRECTORY"] / "snapshot"

    def compiling(self) -> dict:
        """Those that change what a snapshot computes."""
        return {
            "images": self.values["VAISW_QUANTIZATION_NBIMAGES"],
            "mode": self.values["VAISW_QUANTIZATION_MODE"],
            "precision": self.values["VAISW_FE_PRECISION"],
            "npu": self.values["VAISW_NPU"],
        }
