"""Writes a network as ONNX, the ways that users do: each exporter spells many operators differently."""

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Exporter:
    name: str
    opset: int
    dynamo: bool


EXPORTERS = [Exporter("dynamo-18", 18, True), Exporter("script-13", 13, False), Exporter("script-17", 17, False)]


def export(network: torch.nn.Module, shape: tuple[int, int, int], exporter: Exporter, path: Path,
           free_batch: bool = False) -> None:
    """Writes `path`; the input is called `x`. Raises what PyTorch raises where it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"opset_version": exporter.opset, "dynamo": exporter.dynamo, "input_names": ["x"]}
    if exporter.dynamo:
        options |= {"external_data": False, "verbose": False}
    if free_batch:
        options |= {"dynamic_shapes": ({0: torch.export.Dim("batch")},)} if exporter.dynamo else {
            "dynamic_axes": {"x": {0: "batch"}}}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(1, *shape),), str(path), **options)
