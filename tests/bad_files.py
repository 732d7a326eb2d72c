"""Files that are not what their names say, made by the tests."""

import json
import os
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

GREY = np.full((40, 56), 128, np.uint8)


def cut(path: Path, share: float = 0.5) -> None:
    """Keep the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def one_byte(path: Path) -> None:
    """Change the byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # it may be a hard link to what DVC keeps, which is read-only for everybody but root
    path.write_bytes(content)


def save(path: Path, mode: str, **options: object) -> None:
    """An image of a mode of Pillow's in the place of another of that size."""
    Image.fromarray(GREY).convert("RGB").convert(mode, palette=Image.Palette.ADAPTIVE).save(path, **options)


def animation(path: Path, kind: str) -> None:
    frames = [Image.fromarray(GREY + i).convert("RGB") for i in range(3)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])


def sixteen_bit_rgb(path: Path) -> None:
    """A PNG of 16 bits a channel, which Pillow reads and cannot write."""
    rows = b"".join(b"\0" + bytes(56 * 6) for _ in range(40))
    header = struct.pack(">IIBBBBB", 56, 40, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND")
    )


def bomb(path: Path, side: int) -> None:
    """A PNG of a few bytes that says it has side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND")
    )


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def paint(path: Path, pixels: int, colours: int = 1) -> None:
    """Give the first pixels of a mask colours of no class."""
    mask = np.asarray(Image.open(path).convert("RGB")).copy()
    flat = mask.reshape(-1, 3)
    flat[:pixels] = [(200, 0, i % colours) for i in range(pixels)]
    Image.fromarray(mask).save(path)


def jpeg_compress(path: Path) -> None:
    """Give a mask the colours that JPEG makes of it."""
    image = Image.open(path).convert("RGB")
    image.save(path.with_suffix(".jpg"), quality=75)
    Image.open(path.with_suffix(".jpg")).save(path)
    path.with_suffix(".jpg").unlink()


class Malice:
    def __reduce__(self):
        return os.system, ("touch executed",)


def pickle_bomb(path: Path) -> None:
    """What runs code when it is unpickled."""
    path.write_bytes(pickle.dumps(Malice()))


def change_weights(path: Path, name: str, value: float) -> None:
    """Set one of the tensors of a model file."""
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    weights = load_file(path)
    weights[name] = np.full_like(weights[name], value)
    save_file(weights, path, metadata)


def weights_with_nan(path: Path) -> None:
    """A state dict of torchvision's, of which one weight is no number."""
    state = torchvision.models.mobilenet_v2().state_dict()
    state["features.0.0.weight"][0] = np.nan
    torch.save(state, path)


def unreadable(path: Path) -> None:
    """A file of the owner of its folder's folder which nobody may read."""
    path.parent.mkdir()
    path.write_bytes(b"")
    owner = path.parent.parent.stat()
    for made in (path.parent, path):
        os.chown(made, owner.st_uid, owner.st_gid)
    path.chmod(0)


def change_metadata(path: Path, **changes: object) -> None:
    """Let a model file say something else of itself."""
    with safe_open(path, "numpy") as file:
        description = json.loads(file.metadata()["landcover"])
    save_file(load_file(path), path, {"landcover": json.dumps(description | changes)})


def lie_about_header(path: Path, size: int) -> None:
    """Let a safetensors file say that its header has another size than it has."""
    path.write_bytes(struct.pack("<Q", size) + path.read_bytes()[8:])


def linked(path: Path, target: Path | str) -> None:
    """Put a symbolic link in the place of a file."""
    path.unlink()
    path.symlink_to(target)
