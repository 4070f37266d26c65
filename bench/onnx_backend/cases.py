"""The cases: models with inputs and the outputs expected, as the `onnx` package or a folder of its layout has them."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper

DATA = Path(onnx.backend.test.__file__).parent / "data"
GROUPS = ["node", "simple", "light", "pytorch-converted", "pytorch-operator"]
RTOL, ATOL = 1e-3, 1e-7  # the package's own


@dataclasses.dataclass
class DataSet:
    """Arrays, lists of them (sequences) or None (an empty optional), in the order of the graph's inputs and outputs."""

    inputs: list
    outputs: list


@dataclasses.dataclass
class Case:
    group: str
    name: str
    model: Callable[[], onnx.ModelProto]
    data: Callable[[onnx.ModelProto], list[DataSet]]
    rtol: float = RTOL
    atol: float = ATOL


def fed_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Inputs a caller gives: before IR version 4 initializers stand among the inputs."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def _array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _decode(path: Path, kind: onnx.TypeProto):
    """A .pb file as the type of its value says."""
    which = kind.WhichOneof("value")
    message, decode = {
        "sequence_type": (onnx.SequenceProto, numpy_helper.to_list),
        "optional_type": (onnx.OptionalProto, numpy_helper.to_optional),
    }.get(which, (onnx.TensorProto, numpy_helper.to_array))
    proto = message()
    proto.ParseFromString(path.read_bytes())
    return decode(proto)


def _numbered(folder: Path, what: str) -> list[Path]:
    return sorted(folder.glob(f"{what}_*.pb"), key=lambda path: int(path.stem.rpartition("_")[2]))


def _sets_of_folder(folder: Path, model: onnx.ModelProto) -> list[DataSet]:
    sets = []
    for one in sorted(folder.glob("test_data_set_*")):
        lists = []
        for what, values in (("input", fed_inputs(model)), ("output", model.graph.output)):
            lists.append([_decode(path, value.type) for path, value in zip(_numbered(one, what), values)])
        sets.append(DataSet(*lists))
    return sets


def of_folder(folder: Path, group: str) -> Iterator[Case]:
    """Every folder below with a model.onnx beside test_data_set_<n>/{input,output}_<n>.pb."""
    for path in sorted(folder.rglob("model.onnx")):
        here = path.parent
        if any(here.glob("test_data_set_*")):
            yield Case(group, str(here.relative_to(folder)), lambda p=path: onnx.load(p),
                       lambda model, f=here: _sets_of_folder(f, model))


def _node_cases() -> Iterator[Case]:
    from onnx.backend.test.loader import load_node_model_tests
    for test in load_node_model_tests():
        sets = [DataSet([_array(x) for x in inputs], [_array(y) for y in outputs])
                for inputs, outputs in test.data_sets]
        yield Case("node", test.name, lambda t=test: t.model, lambda model, s=sets: s, test.rtol, test.atol)


def _light_set(path: Path, model: onnx.ModelProto) -> list[DataSet]:
    """The package gives these no inputs: its own tests feed a ramp from 0 to 1."""
    inputs = []
    for value in fed_inputs(model):
        dims = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
        inputs.append((np.arange(np.prod(dims)).reshape(dims) / np.prod(dims)).astype(np.float32))
    output = onnx.load_tensor(path.with_name(f"{path.stem}_output_0.pb"))
    return [DataSet(inputs, [numpy_helper.to_array(output)])]


def _light_cases() -> Iterator[Case]:
    for path in sorted((DATA / "light").glob("*.onnx")):
        yield Case("light", path.stem, lambda p=path: onnx.load(p), lambda model, p=path: _light_set(p, model))


def all_cases(groups: list[str]) -> list[Case]:
    cases = []
    for group in groups:
        made = {"node": _node_cases, "light": _light_cases}.get(group, lambda g=group: of_folder(DATA / g, g))()
        cases += sorted(made, key=lambda case: case.name)
    return cases
