"""The networks that are measured: a line each."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Callable

from bench.accuracy import images, sets
from bench.accuracy.metrics import detection, psnr, top1


@dataclass(frozen=True)
class Task:
    """A network, its labelled set, its metric, and what it is in FP32 on the full original set."""

    name: str
    model: str  # below the data folder
    load: Callable[[Path], sets.Split]
    published: float
    metric: ModuleType = top1  # one of bench.accuracy.metrics


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
    Task("yolox_nano", "coco/yolox_nano.onnx", sets.coco, 33.6, detection),
    Task("fsrcnn_x2", "super_resolution/fsrcnn_x2.onnx", sets.set14, 31.20, psnr),
]}


def chosen(names: list[str] | None) -> list[Task]:
    """The tasks of these names, all where none is given. An unknown name ends the program with the list."""
    for name in names or []:
        if name not in TASKS:
            raise SystemExit(f"no network `{name}`; there are: {', '.join(TASKS)}")
    return [TASKS[name] for name in names or TASKS]
