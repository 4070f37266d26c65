"""How far a compilation is, on stderr: a bar on a terminal, a line a stage elsewhere."""

import sys
import time

from calotype.hook.messages import say

WIDTH = 30
# Where each stage of `calotype compile` begins and ends in the whole; quantizing is nearly all of the work.
STAGES = {"export": (0.0, 0.2), "import": (0.2, 0.3), "quantize": (0.3, 0.95), "snapshot": (0.95, 1.0)}


class Progress:
    def __init__(self, name: str):
        self.name = name
        self.start = time.monotonic()
        self.stage = ""
        self.shown = ""
        self.terminal = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, stage: str, done: float) -> None:
        if self.terminal:
            self.draw(stage, done)
        elif stage != self.stage:
            say(f"compiling {self.name}: {stage}")
        self.stage = stage

    def draw(self, stage: str, done: float) -> None:
        first, last = STAGES.get(stage, (0.0, 1.0))
        whole = first + (last - first) * min(max(done, 0.0), 1.0)
        bar = "#" * int(whole * WIDTH)
        spent = time.monotonic() - self.start
        left = f", {spent * (1 - whole) / whole:.0f} s left" if whole > 0.05 else ""
        self.write(f"[VAISW] compiling {self.name} [{bar:<{WIDTH}}] {100 * whole:3.0f} % {stage}{left}")

    def write(self, line: str) -> None:
        if line != self.shown:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self.shown = line

    def close(self) -> None:
        if self.terminal and self.shown:
            self.write("")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start
