"""Decoders: from the features of an encoder to logits at the size of the image.

Every decoder is called as `decoder(image, features)`: the normalised image (N, B, H, W), H and W multiples of 32, and
the features of each stage, the finest first; it returns logits (N, C, H, W). Its attribute `stride` is that of the
finest features it uses, 1 for the pixels themselves.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from landcover.models.upsampling import BilinearUpsampling

UPSAMPLING = ("bilinear", "learned")
"""How the scores of an FCN are upsampled: interpolated, or by transposed convolutions that start as interpolation."""

_PIXEL_WIDTH = 16


class Encoder(Protocol):
    """What a decoder must know of an encoder: its bands, and channels and strides of its features, the finest first."""

    @property
    def bands(self) -> int: ...  # noqa: D102 (the class says it)

    @property
    def channels(self) -> Sequence[int]: ...  # noqa: D102

    @property
    def strides(self) -> Sequence[int]: ...  # noqa: D102


class FCNDecoder(nn.Module):
    """Sums 1x1 scores of the features, upsampled from coarse to fine (Long, Shelhamer, Darrell 2015, section 4).

    Args:
        finest: Stride of the finest features that are scored; 1 for the pixels themselves.
        upsampling: One of `UPSAMPLING`.
        context: Channels of fc6 and fc7 before the coarsest score; 0 for neither.
    """

    def __init__(
        self, encoder: Encoder, classes: int, upsampling: str = "bilinear", context: int = 0, *, finest: int
    ) -> None:
        super().__init__()
        self.stride = finest
        scored = [(c, s) for c, s in zip(encoder.channels, encoder.strides, strict=True) if s >= finest]
        channels, strides = zip(*scored, strict=True)
        self.context: nn.Module = _fully_connected(channels[-1], context) if context else nn.Identity()
        widths = (*channels[:-1], context or channels[-1])
        self.scores = nn.ModuleList(nn.Conv2d(width, classes, 1) for width in widths)
        self.pixel_score = _pixel_score(encoder.bands, classes) if finest == 1 else None
        upsample: Callable[[int, int], nn.Module] = LearnedUpsampling if upsampling == "learned" else _bilinear
        # From each stride to the next finer one; last, from the finest features to the pixels.
        factors = [coarse // fine for fine, coarse in zip((1, *strides), strides, strict=False)]
        self.upsamplings = nn.ModuleList(upsample(classes, factor) for factor in factors)
        # Skips start at zero, so that training starts from the coarsest network (section 4.2 of the paper).
        for score in [*self.scores[:-1], *([self.pixel_score[-1]] if self.pixel_score else [])]:
            for parameter in score.parameters():
                nn.init.zeros_(parameter)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, H, W)."""
        *skips, coarsest = features[-len(self.scores) :]
        logits: Tensor = self.scores[-1](self.context(coarsest))  # (N, C, H/32, W/32)
        to_pixels, *to_skips = self.upsamplings
        for enlarge, score, skip in zip(reversed(to_skips), reversed(self.scores[:-1]), reversed(skips), strict=True):
            logits = enlarge(logits) + score(skip)  # at H/16, H/8, ... down to the finest stride
        logits = to_pixels(logits)
        return logits if self.pixel_score is None else logits + self.pixel_score(image)


class LearnedUpsampling(nn.Module):
    """A transposed convolution that starts as bilinear interpolation (section 3.3 of the paper), borders included.

    Args:
        channels: C of its input and output (N, C, H, W) -> (N, C, H * factor, W * factor).
        factor: Even.
    """

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        # Like `interpolate`, continue the image beyond its border by its border values: `forward` replicates one step
        # on each side, and the padding, by which a transposed convolution crops its output, crops what that step adds.
        self.convolution = nn.ConvTranspose2d(
            channels, channels, 2 * factor, factor, padding=factor + factor // 2, bias=False
        )
        distance = torch.arange(2 * factor) - (factor - 0.5)  # from the kernel's centre, in pixels
        ramp = 1 - distance.abs() / factor
        with torch.no_grad():
            self.convolution.weight.copy_(torch.eye(channels)[:, :, None, None] * torch.outer(ramp, ramp))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H * factor, W * factor)."""
        upsampled: Tensor = self.convolution(functional.pad(x, (1, 1, 1, 1), mode="replicate"))
        return upsampled


class SingleDeconvDecoder(nn.Module):
    """A single transposed convolution from stride 32 to the pixels: `fcn32s_01` of the program of 2019."""

    stride = 32

    def __init__(self, encoder: Encoder, classes: int) -> None:
        super().__init__()
        self.deconvolution = nn.ConvTranspose2d(encoder.channels[-1], 64, 32, 32)
        self.norm = nn.BatchNorm2d(64)
        self.score = nn.Conv2d(64, classes, 1)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, H, W)."""
        logits: Tensor = self.score(functional.relu(self.norm(self.deconvolution(features[-1]))))
        return logits


class DeconvDecoder(nn.Module):
    """Five transposed convolutions, each of which doubles the size: `fcn32s_02` and `fcn8s` of the program of 2019.

    Args:
        skips: Whether to add the features at strides 16 and 8: unchanged where they have as many channels as the
            decoder has there (VGG's have), otherwise projected by a 1x1 convolution.
    """

    WIDTHS = (512, 256, 128, 64, 32)
    """Channels at stride 16, 8, 4, 2 and 1."""

    def __init__(self, encoder: Encoder, classes: int, *, skips: bool) -> None:
        super().__init__()
        widths = (encoder.channels[-1], *self.WIDTHS)
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(before, after, 3, 2, padding=1, output_padding=1),
                nn.BatchNorm2d(after),
                nn.ReLU(True),
            )
            for before, after in pairwise(widths)
        )
        self.stride = 8 if skips else 32
        self.stages = [encoder.strides.index(stride) for stride in (16, 8)] if skips else []
        self.projections = nn.ModuleList(
            nn.Identity() if encoder.channels[stage] == width else nn.Conv2d(encoder.channels[stage], width, 1)
            for stage, width in zip(self.stages, self.WIDTHS, strict=False)
        )
        self.score = nn.Conv2d(self.WIDTHS[-1], classes, 1)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Logits (N, C, H, W)."""
        x = features[-1]  # (N, channels, H/32, W/32)
        for i, step in enumerate(self.steps):
            x = step(x)  # (N, WIDTHS[i], H/16, W/16), H/8, ... up to H, W
            if i < len(self.stages):
                x = x + self.projections[i](features[self.stages[i]])
        logits: Tensor = self.score(x)
        return logits


class BaselineDecoder(nn.Sequential):
    """Four transposed convolutions, each of which doubles the size: `base_01` of the program of 2019.

    Its layers follow from two facts. With the widths that are known and 8 outputs, encoder and decoder have 155,568
    weights; the program reported 155,976 parameters. The difference, 408, is one bias for each output channel of each
    convolution. So every convolution had a bias, there was no batch norm, and the last of the four gave the logits.
    """

    stride = 16

    def __init__(self, encoder: Encoder, classes: int) -> None:
        layers: list[nn.Module] = []
        widths = (encoder.channels[-1], 64, 64, 32, classes)
        for before, after in pairwise(widths):
            layers += [nn.ConvTranspose2d(before, after, 2, 2), nn.ReLU(True)]
        super().__init__(*layers[:-1])

    # It is a Sequential, so that its weights have the names that files of models have for them.
    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:  # type: ignore[override]  # called as all decoders are
        """Logits (N, C, H, W)."""
        logits = features[-1]
        for layer in self:
            logits = layer(logits)
        return logits


def _bilinear(channels: int, factor: int) -> BilinearUpsampling:
    return BilinearUpsampling(factor)


def _fully_connected(channels: int, width: int) -> nn.Sequential:
    """fc6 and fc7, the first two layers of VGG's classifier, as convolutions; the indices are those of torchvision."""
    fc6, fc7 = nn.Conv2d(channels, width, 7, padding=3), nn.Conv2d(width, width, 1)
    for convolution in (fc6, fc7):
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(cast(Tensor, convolution.bias))
    return nn.Sequential(fc6, nn.ReLU(True), nn.Dropout(0.5), fc7, nn.ReLU(True), nn.Dropout(0.5))


def _pixel_score(bands: int, classes: int) -> nn.Sequential:
    """Scores from the bands of each pixel: two narrow 1x1 convolutions, then the score.

    They are narrow because channels are expensive at full resolution: fewer of them leave time for more steps.
    """
    layers: list[nn.Module] = []
    for channels in (bands, _PIXEL_WIDTH):
        layers += [nn.Conv2d(channels, _PIXEL_WIDTH, 1, bias=False), nn.BatchNorm2d(_PIXEL_WIDTH), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.Conv2d(_PIXEL_WIDTH, classes, 1))
