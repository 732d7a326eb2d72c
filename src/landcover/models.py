"""Fully convolutional networks: FCN-32s, 16s and 8s (Long, Shelhamer, Darrell 2015), continued to finer strides.

Each scores the classes with 1x1 convolutions on features at stride 32 and, for the skips, at finer strides; the scores
are upsampled by two and summed until the finest skip is reached, then upsampled to the input.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from landcover.backbones import STRIDES, Backbone
from landcover.errors import LandcoverError

MODELS = {"fcn32s": 32, "fcn16s": 16, "fcn8s": 8, "fcn4s": 4, "fcn2s": 2, "fcn1s": 1}
"""Stride of the finest features that each network scores."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_PIXEL_WIDTH = 16


class FCN(nn.Module):
    """Scores of a backbone's features, summed from coarse to fine.

    Args:
        backbone: Gives the features.
        classes: Number C of classes.
        finest: Stride of the finest features that are scored; 1 for the pixels themselves.
        mean, std: Of red, green and blue in 0..1, by which the input is normalised.
    """

    def __init__(
        self,
        backbone: Backbone,
        classes: int,
        finest: int,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.finest = finest
        self.scores = nn.ModuleList(
            nn.Conv2d(channels, classes, 1)
            for channels, stride in zip(backbone.channels, STRIDES, strict=True)
            if stride >= finest
        )
        self.pixel_score = _pixel_score(classes) if finest == 1 else None
        # Skips start at zero, so that training starts from the coarsest network (section 4.2 of the paper).
        for score in [*self.scores[:-1], *([self.pixel_score[-1]] if self.pixel_score else [])]:
            nn.init.zeros_(score.weight)
            nn.init.zeros_(score.bias)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Logits float32 (N, C, H, W) of RGB pictures float32 (N, 3, H, W) in 0..1, of any height and width."""
        height, width = image.shape[-2:]
        image = (image - self.mean) / self.std
        # Every stride must divide the size, so that each step of the features stands for the same pixels as below it.
        image = functional.pad(image, (0, -width % STRIDES[-1], 0, -height % STRIDES[-1]), mode="replicate")
        *skips, coarsest = self.backbone(image)[-len(self.scores) :]
        logits = self.scores[-1](coarsest)  # (N, C, H/32, W/32)
        for score, skip in zip(reversed(self.scores[:-1]), reversed(skips), strict=True):
            logits = _upsample(logits, 2) + score(skip)  # at H/16, H/8, ... down to the finest stride
        if self.pixel_score is None:
            logits = _upsample(logits, self.finest)
        else:
            logits = _upsample(logits, STRIDES[0]) + self.pixel_score(image)
        return logits[..., :height, :width]


def build(model: str, backbone: str, classes: int, **normalisation: Sequence[float]) -> FCN:
    """The network `model`, one of `MODELS`, on a backbone, one of `landcover.backbones.BACKBONES`.

    Raises:
        LandcoverError: No such model or backbone.
    """
    if model not in MODELS:
        raise LandcoverError(f"no model {model!r}; there are {', '.join(MODELS)}")
    return FCN(Backbone(backbone), classes, MODELS[model], **normalisation)


def _upsample(x: Tensor, factor: int) -> Tensor:
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def _pixel_score(classes: int) -> nn.Sequential:
    """Scores from the colour of each pixel: two narrow 1x1 convolutions, then the score.

    Narrow, because at full resolution width is dear: fewer channels leave time for more steps.
    """
    layers = []
    for channels in (3, _PIXEL_WIDTH):
        layers += [nn.Conv2d(channels, _PIXEL_WIDTH, 1, bias=False), nn.BatchNorm2d(_PIXEL_WIDTH), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.Conv2d(_PIXEL_WIDTH, classes, 1))
