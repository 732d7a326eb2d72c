"""Time to train on an image and to label one, by network: whole steps, in turns, in one run.

    python -m benchmarks.network_speed [MODEL[:BACKBONE] ...]

Prints medians, in seconds per image of 256x256, and their ratios to the first network's. By default the networks of
2019 that share VGG16's encoder: one large transposed convolution against five small ones, with and without skips.
"""

import statistics
import sys
import time

import torch
from torch.nn import functional

from landcover.models.networks import Architecture, Network, build

NETWORKS = ("fcn32s_deconv5:vgg16_bn", "fcn32s_deconv1:vgg16_bn", "fcn8s_deconv5:vgg16_bn")
CLASSES, SIZE, IMAGES, ROUNDS = 6, 256, 2, 5


def main() -> None:
    """Time each network in each round, so that other load on the machine slows all of them alike."""
    names = sys.argv[1:] or NETWORKS
    networks = {
        name: build(Architecture(*name.split(":")) if ":" in name else Architecture(name, None), CLASSES)
        for name in names
    }
    images, labels = torch.rand(IMAGES, 3, SIZE, SIZE), torch.randint(CLASSES, (IMAGES, SIZE, SIZE))
    seconds = {name: ([], []) for name in names}
    for turn in range(ROUNDS + 1):
        for name, network in networks.items():
            times = train_step(network, images, labels), label(network, images)
            if turn:  # the first warms up
                for kind, duration in zip(seconds[name], times, strict=True):
                    kind.append(duration / IMAGES)
    medians = {name: [statistics.median(kind) for kind in kinds] for name, kinds in seconds.items()}
    print(f"{'network':30}{'parameters':>12}  {'train':>7}{'ratio':>7}  {'label':>7}{'ratio':>7}   (seconds per image)")
    first = medians[names[0]]
    for name, (train, predict) in medians.items():
        parameters = sum(weights.numel() for weights in networks[name].parameters())
        print(
            f"{name:30}{parameters:12,}  {train:7.3f}{train / first[0]:7.2f}  {predict:7.3f}{predict / first[1]:7.2f}"
        )


def train_step(network: Network, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds for the forward and backward pass."""
    network.train()
    start = time.perf_counter()
    functional.cross_entropy(network(images), labels).backward()
    return time.perf_counter() - start


@torch.inference_mode()
def label(network: Network, images: torch.Tensor) -> float:
    """Seconds for the forward pass."""
    network.eval()
    start = time.perf_counter()
    network(images)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
