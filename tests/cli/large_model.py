"""Writes a chain of 20,000 old Clips behind 100,000 initializers whose last node is broken: `large_model.py PATH`.

A program of its own: making it takes more memory than the tests should keep."""

import sys
from pathlib import Path

import numpy as np

import hostile_models

NODES, INITIALIZERS = 20_000, 100_000

chain = [hostile_models.node("Clip", [f"v{i}"], [f"v{i + 1}"], name=f"n{i}", min=0.0, max=6.0) for i in range(NODES)]
chain[0].input[0] = "x"
last = hostile_models.node("Squeeze", [f"v{NODES}", ""], name="last", axes="no numbers")
constants = [(f"w{i}", np.float32(i)) for i in range(INITIALIZERS)]
model = hostile_models.graph([*chain, last], *constants, opset=10)
Path(sys.argv[1]).write_bytes(model.SerializeToString())
