"""All networks, in the order of the table."""

from bench.families.family import Family
from bench.families.networks import (convnext, deeplab, densenet, efficientnet, espcn, inception, lstm, mobilenet,
                                     regnet, shufflenet, ssd, unet, vgg, vit, yolo_v5, yolo_v8)

FAMILIES = [
    Family("vgg", lambda: vgg.Vgg(False), (3, 128, 128)),
    Family("vgg_bn", lambda: vgg.Vgg(True), (3, 128, 128)),
    Family("inception", inception.Inception, (3, 128, 128)),
    Family("densenet", densenet.DenseNet, (3, 128, 128)),
    Family("shufflenet_v2", shufflenet.ShuffleNet, (3, 128, 128)),
    Family("mobilenet_v2", mobilenet.MobileNetV2, (3, 128, 128)),
    Family("mobilenet_v3", mobilenet.MobileNetV3, (3, 128, 128)),
    Family("efficientnet", efficientnet.EfficientNet, (3, 128, 128)),
    Family("regnet_x", lambda: regnet.RegNet(False), (3, 128, 128)),
    Family("regnet_y", lambda: regnet.RegNet(True), (3, 128, 128)),
    Family("convnext", convnext.ConvNeXt, (3, 128, 128)),
    Family("unet_transposed", lambda: unet.UNet("transposed"), (3, 96, 96)),
    Family("unet_bilinear", lambda: unet.UNet("bilinear"), (3, 96, 96)),
    Family("unet_nearest", lambda: unet.UNet("nearest"), (3, 96, 96)),
    Family("deeplab", deeplab.DeepLab, (3, 128, 128)),
    Family("ssd", ssd.Ssd, (3, 128, 128)),
    Family("yolo_v5", yolo_v5.YoloV5, (3, 128, 128), yolo_v5.parts),
    Family("yolo_v8", yolo_v8.YoloV8, (3, 128, 128), yolo_v8.parts),
    Family("espcn", espcn.Espcn, (1, 64, 64)),
    Family("vit", lambda: vit.ViT(96, False), (3, 96, 96)),
    Family("vit_fused", lambda: vit.ViT(96, True), (3, 96, 96), least_opset=14),
    Family("lstm", lambda: lstm.Lstm(32), (1, 32, 32)),
    Family("crnn", lstm.Crnn, (1, 32, 96)),
]


def chosen(names: list[str] | None) -> list[Family]:
    """The named families, all where none is named. Raises SystemExit for a name that is none."""
    known = [family.name for family in FAMILIES]
    for name in names or []:
        if name not in known:
            raise SystemExit(f"no family `{name}`; there are {', '.join(known)}")
    return [family for family in FAMILIES if not names or family.name in names]
