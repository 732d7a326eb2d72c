"""Today's decoders, those of segmentation_models.pytorch (smp), by a table of names.

Their layers are smp's, and so are their parameters and how these are drawn. Two operations are others, so that a pixel
depends on its surroundings and not on the size of the crop or window around it:

- Where smp pools the whole image, or an n-th of it, means are taken over fixed neighbourhoods.
- Bilinear upsampling maps pixels to the same places in an image of any size. smp stretches features so that the centres
  of the outermost pixels coincide (`align_corners=True`), which moves them by up to half a pixel of the features.

Both are deterministic on a GPU as well, which PyTorch's adaptive pooling is not. FPN normalises by batch instead of by
group, whose statistics are those of the whole image.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from landcover.models.decoders import Encoder
from landcover.models.pooling import neighbourhood_means
from landcover.models.upsampling import upsample

_STRIDES = (2, 4, 8, 16, 32)  # of the features that smp's encoders have, after the image itself

_NEIGHBOURHOODS = {1: 7, 2: 5, 3: 3, 6: 1}
"""Sides, in cells of 32 x 32 pixels of the image, of the squares over which means are taken where smp divides the image
into this number of bins along each side."""


@dataclass(frozen=True)
class _Decoder:
    """One of smp's decoders, as smp's model of the same name has it.

    Attributes:
        module: Of smp, in its package `decoders`.
        name: Of the class.
        width: Channels of what it returns.
        finest: Stride of the finest features that it uses where the encoder has them.
        kernel: Side of the kernel of the convolution that scores what it returns.
        options: Arguments of the class.
        takes_last: Whether it takes the number of channels of the coarsest features only, instead of all.
    """

    module: str
    name: str
    width: int
    finest: int
    kernel: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    takes_last: bool = False


_UNET = {"decoder_channels": (256, 128, 64, 32, 16)}
_ASPP = {"out_channels": 256, "atrous_rates": (12, 24, 36), "aspp_dropout": 0.5}
_DECODERS = {
    "unet": _Decoder("unet", "UnetDecoder", 16, 2, kernel=3, options=_UNET),
    "unetplusplus": _Decoder("unetplusplus", "UnetPlusPlusDecoder", 16, 2, kernel=3, options=_UNET),
    "fpn": _Decoder("fpn", "FPNDecoder", 128, 4),
    "pspnet": _Decoder("pspnet", "PSPDecoder", 512, 8, kernel=3),
    "deeplabv3": _Decoder(
        "deeplabv3", "DeepLabV3Decoder", 256, 8, options=_ASPP | {"aspp_separable": False}, takes_last=True
    ),
    "deeplabv3plus": _Decoder(
        "deeplabv3",
        "DeepLabV3PlusDecoder",
        256,
        4,
        options=_ASPP | {"aspp_separable": True, "encoder_depth": 5, "output_stride": 16},
    ),
    "upernet": _Decoder("upernet", "UPerNetDecoder", 256, 4),
    "segformer": _Decoder("segformer", "SegformerDecoder", 256, 2),
}


class SmpDecoder(nn.Module):
    """One of smp's decoders and the convolution that scores what it returns, upsampled bilinearly to the pixels.

    Args:
        encoder: Its strides below 32 may be missing; for those, smp's decoder gets features of no channels.
        name: Of the decoder, in smp's spelling of its models in small letters.

    Attributes:
        stride: As for all decoders.
        layers: smp's decoder.
        head: The scores.
    """

    def __init__(self, encoder: Encoder, classes: int, *, name: str) -> None:
        super().__init__()
        # Here and not above, as it takes time that other models need not wait for.
        from segmentation_models_pytorch.base.heads import SegmentationHead
        from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head

        spec = _DECODERS[name]
        self._strides = [stride for stride in _STRIDES if stride <= encoder.strides[-1]]
        widths = dict(zip(encoder.strides, encoder.channels, strict=True))
        channels = (encoder.bands, *(widths.get(stride, 0) for stride in self._strides))
        given = {"in_channels": channels[-1]} if spec.takes_last else {"encoder_channels": channels}
        smp: Any = import_module(f"segmentation_models_pytorch.decoders.{spec.module}.decoder")
        self.stride = max(spec.finest, encoder.strides[0])
        self._indices = [encoder.strides.index(stride) if stride in widths else None for stride in self._strides]
        self._cell = _STRIDES[-1] // encoder.strides[-1]
        self.layers: nn.Module = getattr(smp, spec.name)(**given, **spec.options)
        self.head: nn.Module = SegmentationHead(spec.width, classes, kernel_size=spec.kernel)
        _normalise_by_batch(self.layers)
        initialize_decoder(self.layers)
        initialize_head(self.head)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, H, W)."""
        count, _, height, width = image.shape
        given = [image]  # (N, B, H, W), then (N, channels, H/2, W/2), H/4, ...
        for stride, index in zip(self._strides, self._indices, strict=True):
            if index is None:
                given.append(features[0].new_zeros(count, 0, height // stride, width // stride))
            else:
                given.append(features[index])
        with _Local(self._cell):
            scores: Tensor = self.head(self.layers(given))
        return upsample(scores, height, width)


class _Local(TorchFunctionMode):
    """While it is entered, images are pooled and upsampled as the module's docstring says.

    smp calls PyTorch's functions for it in the middle of its own; no layer could be replaced instead.

    Args:
        cell: Side of 32 pixels of the image in pixels of the features that are pooled.
    """

    def __init__(self, cell: int) -> None:
        super().__init__()
        self._cell = cell

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        if func is functional.adaptive_avg_pool2d:
            return self._pool(*args)
        if func is functional.interpolate and options["mode"] == "area":  # PSPNet's pooling while it is exported
            return self._pool(args[0], options["size"])
        if func is functional.interpolate and options["mode"] == "bilinear":
            (x,), factor = args, int(options["scale_factor"] or 0)
            height, width = options["size"] or (x.shape[2] * factor, x.shape[3] * factor)
            return upsample(x, height, width)
        return func(*args, **options)

    def _pool(self, x: Tensor, size: int | tuple[int, int]) -> Tensor:
        bins = size if isinstance(size, int) else size[0]
        return neighbourhood_means(x, self._cell, _NEIGHBOURHOODS[bins])


def _normalise_by_batch(layers: nn.Module) -> None:
    """Replace normalisation of groups of channels by batch norm."""
    for parent in list(layers.modules()):
        for child, module in list(parent.named_children()):
            if isinstance(module, nn.GroupNorm):
                setattr(parent, child, nn.BatchNorm2d(module.num_channels))
