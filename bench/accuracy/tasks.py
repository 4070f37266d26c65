"""The networks that are measured: a line each."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable

from bench.accuracy import images, sets


@dataclass(frozen=True)
class Task:
    """A network, its labelled set and the top-1 its authors' data gave in FP32 (in %, on the full original set)."""

    name: str
    model: str  # below the data folder
    load: Callable[[Path], sets.Split]
    published_top1: float


TASKS = {task.name: task for task in [
    Task("resnet20", "cifar10/resnet20_cifar10.onnx", sets.cifar10_normalized, 91.73),
    Task("resnet56", "cifar10/resnet56_cifar10.onnx", sets.cifar10_normalized, 93.39),
    Task("mnist-8", "mnist/mnist-8.onnx", sets.mnist, 98.91),
    Task("resnet8", "mlperf_tiny/ic_resnet8/resnet8_fp32.onnx", sets.cifar10_raw, 87.19),
    Task("kws_dscnn", "mlperf_tiny/kws_dscnn/kws_dscnn_fp32.onnx", sets.keywords, 90.1),
    Task("vww", "mlperf_tiny/vww_mobilenet/vww_96_fp32.onnx", sets.persons, 86.7),
    Task("mcunet", "imagenet/mcunet-320kb-1mb_fp32.onnx", partial(sets.imagenet, prepare=images.mcunet), 70.1),
    Task("squeezenet", "imagenet/squeezenet_v1.1_fp32.onnx", partial(sets.imagenet, prepare=images.squeezenet), 63.1),
    Task("efficientnet_lite0", "imagenet/efficientnet_lite0.onnx",
         partial(sets.imagenet, prepare=images.efficientnet_lite0), 86.6),
]}


def chosen(names: list[str] | None) -> list[Task]:
    """The tasks of these names, all where none is given. An unknown name ends the program with the list."""
    for name in names or []:
        if name not in TASKS:
            raise SystemExit(f"no network `{name}`; there are: {', '.join(TASKS)}")
    return [TASKS[name] for name in names or TASKS]
