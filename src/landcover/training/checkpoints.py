"""Training that can be killed at any moment: its state in a file, used only by the very same training."""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

from landcover.system.errors import is_out_of_memory, printable
from landcover.system.files import replacing, write_error
from landcover.system.paths import check_readable
from landcover.system.scratch import exclusive


class Checkpoint:
    """A file for the state of a training.

    Args:
        path: Where it lies.
        fingerprint: Of all that the result of the training depends on; a state with another one is not used.
    """

    def __init__(self, path: Path | str, fingerprint: str) -> None:
        self.path, self._fingerprint = Path(path), fingerprint

    def save(self, state: dict[str, Any]) -> None:
        """Replace what is there by tensors, numbers and texts in dicts and lists."""
        with replacing(self.path) as scratch, scratch.open("wb") as file:
            try:
                torch.save({"fingerprint": self._fingerprint, "state": state, "digest": digest_of(state)}, file)
            except RuntimeError as error:  # so it calls a full disk
                raise write_error(self.path, error) from error
            file.flush()
            os.fsync(file.fileno())  # on the disk before it takes the place of the one before: power may fail

    def load(self) -> dict[str, Any] | None:
        """The saved state; None if there is none, or if it is damaged or of another training, as a line then says.

        Loading never runs code from the file.

        Raises:
            OSError: It is there and may not be read.
            MemoryError, RuntimeError: There is no memory for it.
        """
        try:
            check_readable(self.path)
        except FileNotFoundError:
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                if damaged := archive.testzip():  # PyTorch writes checksums and does not look at them
                    raise zipfile.BadZipFile(damaged)
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            fingerprint, state = content["fingerprint"], content["state"]
            is_whole = content.get("digest") == digest_of(state)
        except Exception as error:  # a damaged file raises whatever its bytes make the reader do
            if is_out_of_memory(error):
                raise
            self.tell_damaged(type(error).__name__)
            return None
        if fingerprint != self._fingerprint:
            print(f"{self.path}: of other params, data or code, not used: training starts anew.", flush=True)
            return None
        if not is_whole:
            self.tell_damaged("content and digest differ")
            return None
        return state

    def tell_damaged(self, problem: str) -> None:
        """Say that it is not used, for it is damaged."""
        print(f"{self.path}: damaged ({printable(problem)}), not used: training starts anew.", flush=True)

    def delete(self) -> None:
        """Remove it, and its folder if nothing else is there."""
        with exclusive(self.path):  # which clears away what a killed run left
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.path.parent.rmdir()


def digest_of(state: Any) -> str:
    """SHA-256 of tensors, numbers and texts in dicts, lists and tuples: their values, types and shapes; hexadecimal."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        elif isinstance(value, Mapping):
            digest.update(f"table {len(value)} ".encode())
            for key, item in value.items():
                add(key)
                add(item)
        elif isinstance(value, list | tuple):
            digest.update(f"list {len(value)} ".encode())
            for item in value:
                add(item)
        else:
            text = repr(value).encode()
            digest.update(f"{type(value).__name__} {len(text)} ".encode() + text)

    add(state)
    return digest.hexdigest()


def fingerprint(settings: Any, files: Iterable[Path]) -> str:
    """Digest of `settings` (JSON), the content of files, and the code and libraries that are loaded: hexadecimal."""
    ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("landcover", "stages", "__main__")]
    code = {Path(module.__file__) for module in ours if getattr(module, "__file__", None)}
    content = {
        "settings": settings,
        "files": [_digest(file) for file in sorted(files)],
        "code": sorted(_digest(file) for file in code),
        "libraries": [sys.version, torch.__version__, torchvision.__version__, np.__version__],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
