"""Whether each of today's decoders trains on a GPU to the same bits each time, and how fast; takes about a minute.

    python -m benchmarks.gpu_decoders [--backbone NAME] [--crop PIXELS] [--batch-size NUMBER] [--precision NAME]

Prints a line for each model and ends with 1 if one of them failed or did not repeat itself. Needs no data.
"""

import sys
import time
from argparse import ArgumentParser, Namespace

import torch
from torch import Tensor

from benchmarks.gpu_rates import timed
from benchmarks.networks import bare_steps, network
from landcover.models.networks import MODELS
from landcover.models.smp_decoders import SmpDecoder
from landcover.system.devices import PRECISIONS, choose_device, make_repeatable
from landcover.system.errors import LandcoverError

STEPS = 10


def main() -> None:
    """Train each."""
    parser = ArgumentParser("python -m benchmarks.gpu_decoders")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--crop", type=int, default=192)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    options = parser.parse_args()
    make_repeatable()
    failures = 0
    names = [name for name, spec in MODELS.items() if getattr(spec.decoder, "func", None) is SmpDecoder]
    for model in names:
        try:
            line, is_repeated = trained(model, options)
        except LandcoverError as error:  # it does not work on this backbone
            line, is_repeated = str(error), True
        except Exception as error:  # the other models count all the same
            line, is_repeated = f"{type(error).__name__}: {str(error)[:300]}", False
        failures += not is_repeated
        print(f"{model:14} {line}", flush=True)
    sys.exit(failures > 0)


def trained(model: str, options: Namespace) -> tuple[str, bool]:
    """What there is to say of a model, and whether two trainings of two steps gave the same weights."""
    device, start = choose_device("auto"), time.monotonic()
    shape = {"size": options.crop, "batch_size": options.batch_size, "precision": options.precision, "device": device}
    first, second = (weights_after_steps(model, options.backbone, shape) for _ in range(2))
    is_repeated = all(tensor.equal(second[name]) for name, tensor in first.items())
    seconds = timed(bare_steps(network(model, options.backbone), steps=STEPS, **shape), device)
    rate = options.batch_size * STEPS / seconds
    said = "the same bits" if is_repeated else "OTHER BITS"
    return f"{said}, {rate:.1f} images/s ({time.monotonic() - start:.1f} s in all)", is_repeated


def weights_after_steps(model: str, backbone: str, shape: dict[str, object]) -> dict[str, Tensor]:
    """The weights after two steps from the same start on the same batch."""
    net = network(model, backbone)  # sets the seed
    task = bare_steps(net, steps=2, **shape)  # type: ignore[arg-type]  # of values of several types
    torch.manual_seed(0)  # for dropout
    task()
    return net.state_dict()


if __name__ == "__main__":
    main()
