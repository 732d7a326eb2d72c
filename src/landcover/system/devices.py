"""Devices and number types to compute with, and repeatable results.

Imports PyTorch late, so that `--help` can list the choices without waiting for it.
"""

import os
from typing import TYPE_CHECKING

from landcover.system.errors import LandcoverError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Number types in which networks may compute, by PyTorch's names. Weights, losses and results are always float32."""


def choose_device(name: str) -> "torch.device":
    """Return the device `name`, one of `DEVICES`; for `auto` the first of cuda, mps and cpu that is available.

    Raises:
        LandcoverError: This machine, or this build of PyTorch, has no such device.
    """
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, is_available in available.items() if is_available)
    if not available.get(name):
        raise LandcoverError(f"device {name!r}: PyTorch finds none on this machine. Set device to auto or cpu.")
    if name == "cuda":
        return torch.device(name, int(os.environ.get("LOCAL_RANK", "0")))  # set by torchrun: one GPU per process
    return torch.device(name)


def find_dtype(precision: str) -> "torch.dtype":
    """PyTorch's type of one of `PRECISIONS`."""
    import torch

    dtype: torch.dtype = getattr(torch, PRECISIONS[precision])
    return dtype


def check_precision(precision: str, device: "torch.device") -> None:
    """Refuse a precision, one of `PRECISIONS`, that `device` has no instructions for.

    A CPU would emulate it, measured to be 25 times slower than float32 (pytorch/pytorch#183815).

    Raises:
        LandcoverError: The device has no instructions for it.
    """
    import torch

    if device.type != "cpu" or precision == "fp32":
        return
    if precision == "fp16" or not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        raise LandcoverError(
            f"`precision` = {precision!r}: this CPU has no instructions for it and would be slow. Set it to fp32."
        )


def make_repeatable() -> None:
    """Make each computation give the same bits every time; from now on, an operation that cannot do so is an error."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS requires it
    torch.use_deterministic_algorithms(True)
    # A debugging aid that costs a pass over every result. The module sets it by a property, which types do not show.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
