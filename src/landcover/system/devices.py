"""Where the computing is done, and that it repeats itself. Imports PyTorch late: --help names the choices at once."""

import os
from typing import TYPE_CHECKING

from landcover.system.errors import LandcoverError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Types in which networks may compute, by PyTorch's names; weights, losses and results are float32 throughout."""


def choose_device(name: str) -> "torch.device":
    """The device called `name`, one of `DEVICES`; for `auto` the best there is: cuda, mps, else cpu.

    Raises:
        LandcoverError: This machine, or this build of PyTorch, has no such device.
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there.get(name):
        raise LandcoverError(f"device {name!r}: PyTorch finds none on this machine. Set device to auto or cpu.")
    if name == "cuda":
        return torch.device(name, int(os.environ.get("LOCAL_RANK", "0")))  # torchrun's: a GPU for each process
    return torch.device(name)


def find_dtype(precision: str) -> "torch.dtype":
    """PyTorch's type of one of `PRECISIONS`."""
    import torch

    dtype: torch.dtype = getattr(torch, PRECISIONS[precision])
    return dtype


def check_precision(precision: str, device: "torch.device") -> None:
    """Refuse one of `PRECISIONS` that `device` has no instructions for.

    A CPU then emulates it, which was measured to be 25 times slower than float32 (pytorch/pytorch#183815).

    Raises:
        LandcoverError: It has none.
    """
    import torch

    if device.type != "cpu" or precision == "fp32":
        return
    if precision == "fp16" or not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        raise LandcoverError(
            f"train.precision = {precision!r}: this CPU has no instructions for it and would crawl. Set it to fp32."
        )


def make_repeatable() -> None:
    """Let the same computation give the same bits each time; an operation that cannot is an error from now on."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS asks for
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a pass over every result
    torch.backends.cudnn.benchmark = False
