"""Copies of this checkout in which the pipeline can be run under DVC."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


class Checkout:
    """A git checkout with its own DVC cache in which stages can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True).stdout.splitlines():
            if not name.startswith(("metrics/", "plots/", "tests/", "dvc.lock")) and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        self.run("git", "init", "--quiet")
        self.run("git", "config", "user.name", "test")
        self.run("git", "config", "user.email", "test@example.org")

    def run(self, *command: str, fails: bool = False) -> str:
        """Output of a command, which must succeed, or must fail."""
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def repro(self) -> list[str]:
        """Bring everything but the embedded data set up to date; return the stages that were run, not restored."""
        return re.findall(r"Running stage '(\w+)'", self.dvc("repro", "report"))

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        return self.run(sys.executable, "-m", "dvc", *arguments, fails=fails)

    def set(self, **blocks: dict) -> None:
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        for block, values in blocks.items():
            params[block].update(values)
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def append(self, file: str, text: str) -> None:
        with (self.folder / file).open("a") as stream:
            stream.write(text)

    def metrics(self, name: str) -> dict:
        return json.loads((self.folder / "metrics" / f"{name}.json").read_text())

    def predictions(self, folder: str = "data/predictions") -> dict[str, bytes]:
        """Masks of a folder by the names of their files."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / folder).iterdir())}
