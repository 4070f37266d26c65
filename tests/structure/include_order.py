"""The order of the rooms: which folder of src/ may include which. docs/architecture.md says why."""

import re
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)

# A room includes itself, its direct rooms and what those include.
DIRECT = {
    "base": [],
    "graph": ["base"],
    "npu": ["base"],
    "ort": ["base"],
    "samples": ["base"],
    "onnx": ["graph"],
    "optimize": ["graph"],
    "observe": ["graph", "ort", "onnx"],
    "emulate": ["npu"],
    "plan": ["npu"],
    "execute": ["emulate", "ort", "plan"],
    "lower": ["graph", "npu"],
    "partition": ["lower"],
    "view": ["graph", "npu", "onnx"],
    "quantize": ["execute", "observe"],
    "snapshot": ["npu", "execute"],
    "runtime": ["snapshot"],
    "report": ["partition", "quantize", "plan", "snapshot"],
}
OUTERMOST = {"cli", "compiler", ""}  # "" is src itself: compiler.cpp


def allowed(room: str) -> set[str]:
    reached = {room}
    for direct in DIRECT[room]:
        reached |= allowed(direct)
    return reached


def violations(source: Path) -> list[str]:
    """Includes under `source` (a src folder) that go against the order."""
    found = []
    for file in sorted(source.rglob("*.?pp")):
        parts = file.relative_to(source).parts
        room = parts[0] if len(parts) > 1 else ""
        if room in OUTERMOST:
            continue
        if room not in DIRECT:
            found.append(f"{file.relative_to(source)}: the room `{room}` has no row in the order of the rooms")
            continue
        for included in INCLUDE.findall(file.read_text()):
            target = included.split("/")[0]
            if target == "calotype":  # the public headers, and vocabulary of base
                continue
            if "/" in included and target not in allowed(room) and (target in DIRECT or target in OUTERMOST):
                found.append(f"{file.relative_to(source)}: `{room}` must not include `{included}`")
    return found
