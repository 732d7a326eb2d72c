"""Checkpoints: the state of a training in a file, from which only the very same training resumes."""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

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
        path: Path of the file.
        fingerprint: Digest of everything that the result of the training depends on. A file with another one is not
            used.
    """

    def __init__(self, path: Path | str, fingerprint: str) -> None:
        self.path, self._fingerprint = Path(path), fingerprint

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file by this state: tensors, numbers and strings in dicts and lists."""
        with replacing(self.path) as scratch, scratch.open("wb") as file:
            try:
                torch.save({"fingerprint": self._fingerprint, "state": state, "digest": digest_of(state)}, file)
            except RuntimeError as error:  # what PyTorch raises when the disk is full
                raise write_error(self.path, error) from error
            file.flush()
            os.fsync(file.fileno())  # on the disk before it replaces the last checkpoint: power may fail

    def load(self) -> dict[str, Any] | None:
        """Read the state. None if there is no file; or, with a line that says so, if it is damaged or does not match.

        Loading never runs code from the file.

        Raises:
            OSError: The file exists and cannot be read.
            MemoryError, RuntimeError: Memory does not suffice.
        """
        try:
            check_readable(self.path)
        except FileNotFoundError:
            return None
        try:
            with zipfile.ZipFile(self.path) as archive:
                if damaged := archive.testzip():  # PyTorch writes checksums but does not verify them
                    raise zipfile.BadZipFile(damaged)
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            fingerprint, state = content["fingerprint"], content["state"]
            is_intact = content.get("digest") == digest_of(state)
        except Exception as error:  # a damaged file can make the reader raise anything
            if is_out_of_memory(error):
                raise
            self.print_damaged(type(error).__name__)
            return None
        if fingerprint != self._fingerprint:
            print(f"{self.path}: of other params, data or code, not used: training starts anew.", flush=True)
            return None
        if not is_intact:
            self.print_damaged("content and digest differ")
            return None
        return cast(dict[str, Any], state)

    def print_damaged(self, problem: str) -> None:
        """Print that the file is damaged and not used."""
        print(f"{self.path}: damaged ({printable(problem)}), not used: training starts anew.", flush=True)

    def delete(self) -> None:
        """Remove the file, and its folder if that is then empty."""
        with exclusive(self.path):  # which also removes the scratch files of a killed run
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.path.parent.rmdir()


def digest_of(state: Any) -> str:
    """SHA-256, hexadecimal, of tensors, numbers and strings in dicts, lists and tuples: values, types and shapes."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
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
    """SHA-256, hexadecimal, of `settings` (JSON), the content of the files, and the loaded code and libraries."""
    ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("landcover", "stages", "__main__")]
    code = {Path(file) for module in ours if (file := getattr(module, "__file__", None))}
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
