"""How far a compilation is, on stderr: a bar on a terminal, now and then a line elsewhere."""

import contextlib
import sys
import time

from calotype.hook.messages import say

WIDTH = 30
# Where each stage begins and ends in the whole. Exporters take seconds and tell nothing meanwhile.
STAGES = {"export": (0.0, 0.4), "import": (0.4, 0.45), "quantize": (0.45, 0.95), "snapshot": (0.95, 1.0)}
LINES_APART = 5.0  # seconds


class Progress:
    def __init__(self, name: str):
        self.name = name
        self.start = time.monotonic()
        self.stage = ""
        self.stage_start = self.start
        self.shown = ""
        self.told = self.start
        self.terminal = is_terminal(sys.stderr)

    def __call__(self, stage: str, done: float, detail: str = "") -> None:
        """`detail` tells the stage's steps: "12 of 53 layers"."""
        if stage != self.stage:
            self.stage_start = time.monotonic()
        text = ", ".join(part for part in (stage, detail, self.left(done)) if part)
        if self.terminal:
            first, last = STAGES.get(stage, (0.0, 1.0))
            whole = first + (last - first) * min(max(done, 0.0), 1.0)
            bar = "#" * int(whole * WIDTH)
            self.draw(f"[VAISW] compiling {self.name} [{bar:<{WIDTH}}] {100 * whole:3.0f} % {text}")
        elif stage != self.stage or time.monotonic() - self.told > LINES_APART:
            say(f"compiling {self.name}: {text}")
            self.told = time.monotonic()
        self.stage = stage

    def left(self, done: float) -> str:
        """Of the stage, by what it took so far; nothing while that says little."""
        spent = time.monotonic() - self.stage_start
        return f"{spent * (1 - done) / done:.0f} s left" if 0.1 < done < 1 else ""

    def draw(self, line: str) -> None:
        if line != self.shown:
            with contextlib.suppress(Exception):  # a script may close it, or put its own there
                sys.stderr.write(f"\r\x1b[K{line}")
                sys.stderr.flush()
            self.shown = line

    def close(self) -> None:
        if self.terminal and self.shown:
            self.draw("")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start


def is_terminal(stream) -> bool:
    try:
        return stream.isatty()
    except Exception:  # no stderr, a closed one, one of the script's own
        return False
