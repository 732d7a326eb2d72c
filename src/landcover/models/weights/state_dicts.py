"""State dicts in files: read as data, never as code; compared with what is expected."""

import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from landcover.models.weights.tensor_order import is_counter
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.paths import check_readable

_SHOWN = 3  # mismatches that an error lists


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a state dict: a .safetensors file, or one written by `torch.save`.

    Raises:
        LandcoverError: There is no such file, it is damaged, or it is not a state dict.
    """
    return checked_state_dict(str(path), _read(path))


def checked_state_dict(source: str, found: object) -> dict[str, Tensor]:
    """Return what was read from `source` if it is a state dict: names of dense tensors of numbers on the CPU.

    Raises:
        LandcoverError: It is not.
    """
    if isinstance(found, Mapping) and found and all(map(_is_entry, found.items())):
        return dict(found)
    content = found.items() if isinstance(found, Mapping) else ()
    inside = [repr(key) for key, value in content if isinstance(value, Mapping) and value][:_SHOWN]
    advice = f"Save the one in it, under {' or '.join(inside)}, alone." if inside else "Save the state dict alone."
    raise LandcoverError(f"{source}: not a state dict, which maps names to tensors. {advice}")


def state_dict_mismatch(expected: Mapping[str, Sequence[int]], found: Mapping[str, Tensor]) -> str:
    """How a state dict differs from the expected names and shapes, in a few words; "" if it does not differ."""
    wrong = [f"{key} is missing" for key in expected if key not in found]
    wrong += [f"{key} is unexpected" for key in found if key not in expected]
    wrong += [
        f"{key} is {_size(found[key].shape)}, not {_size(shape)}"
        for key, shape in expected.items()
        if key in found and tuple(found[key].shape) != tuple(shape)
    ]
    more = [f"{len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return ", ".join(wrong[:_SHOWN] + more)


def _read(path: Path) -> object:
    try:
        check_readable(path)
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # about unusual pickles, which are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise LandcoverError(
            f"`weights` = {path}: no such file. Set it to none, imagenet or the path of a state dict."
        ) from error
    except pickle.UnpicklingError as error:  # torch's own message explains how to run the code nevertheless
        raise LandcoverError(f"{path}: damaged, or holds code besides weights. Save the state dict alone.") from error
    except Exception as error:  # damaged bytes make the readers raise anything
        if is_out_of_memory(error):
            raise
        raise LandcoverError(f"{path}: cannot be read ({reason(error)}). Save the state dict again.") from error


def _is_entry(item: tuple[object, object]) -> bool:
    name, tensor = item
    return (
        isinstance(name, str)
        and isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and (tensor.is_floating_point() or is_counter(name))
    )


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
