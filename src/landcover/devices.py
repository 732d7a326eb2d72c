"""Where the computing is done, and that it repeats itself."""

import os

import torch

from landcover.errors import LandcoverError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> torch.device:
    """The device called `name`, one of `DEVICES`; for `auto` the best there is: cuda, mps, else cpu.

    Raises:
        LandcoverError: This machine, or this build of PyTorch, has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there[name]:
        raise LandcoverError(f"device {name!r}: PyTorch finds none on this machine. Set device to auto or cpu.")
    return torch.device(name)


def make_repeatable() -> None:
    """Let the same computation give the same bits each time; an operation that cannot is an error from now on."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS asks for
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a pass over every result
    torch.backends.cudnn.benchmark = False
