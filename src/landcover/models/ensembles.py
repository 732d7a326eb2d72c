"""Encoders and decoders side by side, whose class probabilities are averaged: several networks as one."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from landcover.images.image_spec import ImageSpec


class EnsembleEncoder(nn.Module):
    """The encoders of several networks on one image, each of which sees it normalised as its own network does.

    Args:
        encoders: Of the networks.
        images: What each network takes: the same bands and pixel type, perhaps with other statistics.
        common: As which the image has been normalised.
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, encoders: Sequence[nn.Module], images: Sequence[ImageSpec], common: ImageSpec) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        mean, std = torch.tensor(common.mean, dtype=torch.float64), torch.tensor(common.std, dtype=torch.float64)
        means = torch.tensor([spec.mean for spec in images], dtype=torch.float64)
        stds = torch.tensor([spec.std for spec in images], dtype=torch.float64)
        # Exactly 1 and 0 where the statistics are equal.
        self.register_buffer("factor", (std / stds).float().view(len(images), -1, 1, 1))
        self.register_buffer("shift", ((mean - means) / stds).float().view(len(images), -1, 1, 1))

    def forward(self, image: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """For each network, the image (N, B, H, W) as it normalises it, and its features."""
        found = []
        for encoder, factor, shift in zip(self.encoders, self.factor, self.shift, strict=True):
            own = image * factor + shift
            found.append((own, encoder(own)))
        return found


class EnsembleDecoder(nn.Module):
    """The decoders of several networks, and the mean of their class probabilities.

    Args:
        decoders: Of the networks, for the same classes.
    """

    def __init__(self, decoders: Sequence[nn.Module]) -> None:
        super().__init__()
        self.decoders = nn.ModuleList(decoders)
        self.stride = min(cast(int, decoder.stride) for decoder in decoders)

    def forward(self, image: Tensor, found: list[tuple[Tensor, list[Tensor]]]) -> Tensor:
        """Logits float32 (N, C, H, W), whose softmax is the mean of the class probabilities of the networks.

        Args:
            image: As all networks share it; not used.
            found: By the `EnsembleEncoder` of the same networks.
        """
        logs = [decoder(*own).log_softmax(1) for decoder, own in zip(self.decoders, found, strict=True)]
        return torch.stack(logs).logsumexp(0)
