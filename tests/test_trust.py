"""No file that a user can be handed, no parameter and no file name becomes code; and what is installed is pinned."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("src", "stages", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]

RUN_CODE = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "importlib.import_module",
    "runpy.run_path",
}
LOAD_OBJECTS = {"yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "pandas.read_pickle", "joblib.load"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
ALLOWED = {"pickle.UnpicklingError"}  # to name what torch.load raises


def names(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for: `np` for `numpy`, `path` for `os.path`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            whole = {alias.asname: alias.name for alias in node.names if alias.asname}
            tops = [alias.name.split(".")[0] for alias in node.names if not alias.asname]
            found |= whole | dict(zip(tops, tops, strict=True))
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def dotted(node: ast.AST, known: dict[str, str]) -> str:
    """The full name of what an expression names, "" if it names nothing."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, known)):
        return f"{base}.{node.attr}"
    return f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def keyword(call: ast.Call, name: str) -> object:
    """Value of a call's keyword argument if it is a constant; ... if it is none, None if it is not given."""
    for argument in call.keywords:
        if argument.arg == name:
            return argument.value.value if isinstance(argument.value, ast.Constant) else ...
    return None


def forbidden_call(call: ast.Call, known: dict[str, str]) -> bool:
    name = dotted(call.func, known)
    if name in RUN_CODE or name in LOAD_OBJECTS or name.removeprefix("builtins.") in {"eval", "exec", "compile"}:
        return True
    if name == "torch.load":
        return keyword(call, "weights_only") is not True
    if name.endswith("get_state_dict"):
        return keyword(call, "weights_only") is not True
    if name in ("numpy.load", "numpy.lib.format.read_array"):
        return keyword(call, "allow_pickle") not in (None, False)
    if name.startswith(("subprocess.", "asyncio.create_subprocess_shell")):
        return keyword(call, "shell") not in (None, False) or name.endswith(("getoutput", "create_subprocess_shell"))
    return name.split(".")[-1] in ("extractall", "extract", "unpack_archive") or name.startswith(
        ("os.exec", "os.spawn")
    )


def forbidden(source: str) -> list[int]:
    """Lines at which a program could run what it reads."""
    tree = ast.parse(source)
    known = names(tree)
    found = []
    for node in ast.walk(tree):
        wrong = isinstance(node, ast.Call) and forbidden_call(node, known)
        if isinstance(node, ast.ImportFrom):
            wrong = (node.module or "").split(".")[0] in MODULES
        elif isinstance(node, ast.Attribute):
            name = dotted(node, known)
            wrong = name.split(".")[0] in MODULES and name not in ALLOWED
        if wrong:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path):
    assert not forbidden(path.read_text())


@pytest.mark.parametrize(
    "snippet",
    [
        "eval(text)",
        "exec(text)",
        "compile(text, '', 'exec')",
        "import builtins\nbuiltins.eval(text)",
        "__import__(name)",
        "import importlib\nimportlib.import_module(name)",
        "import pickle\npickle.loads(data)",
        "import pickle as p\np.Unpickler(file).load()",
        "from pickle import load\nload(file)",
        "import marshal\nmarshal.loads(data)",
        "import shelve\nshelve.open(path)",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=trusted)",
        "from torch import load\nload(path)",
        "weights.get_state_dict(progress=True)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import yaml\nyaml.unsafe_load(text)",
        "from yaml import full_load\nfull_load(text)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import pandas as pd\npd.read_pickle(path)",
        "import os\nos.system(command)",
        "from os import popen\npopen(command)",
        "import os\nos.execvp(name, arguments)",
        "import subprocess\nsubprocess.run(command, shell=True)",
        "import subprocess as s\ns.Popen(command, shell=shell)",
        "import subprocess\nsubprocess.getoutput(command)",
        "import zipfile\nzipfile.ZipFile(path).extractall(folder)",
        "import tarfile\ntarfile.open(path).extractall(folder)",
        "import shutil\nshutil.unpack_archive(path)",
    ],
)
def test_the_test_finds_what_it_forbids(snippet):
    assert forbidden(snippet)


@pytest.mark.parametrize(
    "snippet",
    [
        "import torch\ntorch.load(path, weights_only=True)",
        "import yaml\nyaml.safe_load(text)",
        "import numpy as np\nnp.load(path, mmap_mode='r')",
        "import subprocess\nsubprocess.run(['pip', 'download', name])",
        "import re\nre.compile(pattern)",
        "import zipfile\nzipfile.ZipFile(path).read(member)",
        "import pickle\ntry: f()\nexcept pickle.UnpicklingError: pass",
    ],
)
def test_the_test_lets_pass_what_is_safe(snippet):
    assert not forbidden(snippet)


PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}  # whose import has another name


def requirements(name: str) -> dict[str, str]:
    """Versions by package of a requirements file's own lines."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    pins = [line for line in lines if line and not line.startswith("-r ")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins), pins
    return {pin.split("==")[0].lower(): pin.split("==")[1] for pin in pins}


def imported_packages(folder: str) -> set[str]:
    """Packages of others that the modules of a folder import."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[0] for name in [*modules, getattr(node, "module", None) or ""]}
    ours = {"", "landcover", "stages", "benchmarks"}
    return {PACKAGES.get(name, name) for name in found - ours - sys.stdlib_module_names}


def test_all_that_is_imported_is_pinned():
    pipeline, extras = requirements("requirements.txt"), requirements("requirements-extras.txt")
    assert imported_packages("stages") <= pipeline.keys()
    assert imported_packages("src") <= pipeline.keys() | extras.keys()
    peers = requirements("requirements-dev.txt")
    assert imported_packages("benchmarks") <= pipeline.keys() | extras.keys() | peers.keys()


def test_what_stages_reach_needs_no_extras():
    extras = requirements("requirements-extras.txt").keys()
    for line in (ROOT / "dvc.yaml").read_text().splitlines():
        path = line.strip().removeprefix("- ")
        if path.endswith(".py"):
            text = (ROOT / path).read_text()
            assert not re.findall(rf"^(?:import|from) ({'|'.join(extras)})\b", text, re.MULTILINE), path
