"""The front door, `import landcover`: what it offers, and that it opens at once."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import landcover

ROOT = Path(__file__).parents[2]
LAZY = """\
import sys, time
before = set(sys.modules)
import landcover
assert dir(landcover) == sorted(landcover.__all__)
loaded = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(*sorted(loaded))
"""


def test_import_landcover_loads_no_library():
    done = subprocess.run([sys.executable, "-c", LAZY], env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True)
    assert (done.stdout, done.stderr) == (b"landcover\n", b"")


def test_all_names_are_there_and_documented():
    for name in landcover.__all__:
        assert getattr(landcover, name)
        assert name == "__version__" or getattr(landcover, name).__doc__
    with pytest.raises(AttributeError, match="module 'landcover' has no attribute 'nothing'"):
        landcover.nothing  # noqa: B018
    assert not hasattr(landcover, "__file_of_nothing__")


def test_type_checkers_see_the_same_names_of_the_same_modules():
    stub = ast.parse((ROOT / "src/landcover/__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert seen == landcover._MODULE_OF_NAME
    assert (ROOT / "src/landcover/py.typed").exists()


def test_a_program_that_uses_it_passes_the_type_checker(tmp_path):
    (tmp_path / "program.py").write_text(
        "import landcover\n"
        "import numpy as np\n"
        'model: landcover.Model = landcover.load_model("m.safetensors", device="cpu")\n'
        'labels: np.ndarray = model.predict("town.jpg", tta="d4", window=512)\n'
        "mean: float | None = landcover.score(labels, labels, model.classes).mean_iou\n"
        "version: str = landcover.__version__\n"
        'model.predict("town.jpg", tta="d8")\n'
        "model.classify(labels)\n"
    )
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nfollow_imports = skip\n[mypy-landcover.*]\nfollow_imports = silent\n"
    )  # of other libraries it would read for a minute
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env={"MYPYPATH": str(ROOT / "src")}, capture_output=True, text=True)
    assert [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line] == ["7", "8"], done.stdout
