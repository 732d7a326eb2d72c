"""No file that a user can be handed, no parameter and no file name becomes code; and what is installed is pinned."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [
    path for folder in ("src", "stages", "benchmarks", "results") for path in sorted((ROOT / folder).rglob("*.py"))
]

FORBIDDEN = re.compile(
    r"(builtins\.)?(eval|exec|compile|__import__|__builtins__)|globals|locals|os\.(system|popen|startfile|exec\w+|spawn\w+|posix_spawn\w*)"
    r"|pty\.spawn|importlib\.(import_module|__import__|util\.spec_from_file_location)|runpy\.\w+|ctypes\.(?!CDLL)\w+"
    r"|subprocess\.(getoutput|getstatusoutput)|asyncio\.create_subprocess_shell"
    r"|yaml\.((unsafe_|full_)?load(_all)?|(Unsafe|Full)?(C?Loader))|pandas\.(read_pickle|eval|read_hdf|HDFStore)|joblib\.load"
    r"|torch\.(jit|hub|package)\.\w+|torch\.serialization\.(load|add_safe_globals)|numpy\.(lib\.)?npyio\.load"
    r"|.*\.(extractall|extract|unpack_archive|read_pickle|to_pickle)"
)
"""Whole names, called or merely named."""
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle"}
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
    """The full name of what an expression names, also by getattr; "" if it names nothing, `?` for an unknown part."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, known)}.{node.attr}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        name = node.args[1].value if isinstance(node.args[1], ast.Constant) else "?"
        return f"{dotted(node.args[0], known)}.{name}"
    return ""


def keyword(call: ast.Call, name: str) -> object:
    """Value of a call's keyword argument if it is a constant; ... if it is none or hidden in **, None if not given."""
    for argument in call.keywords:
        if argument.arg in (name, None):
            return argument.value.value if isinstance(argument.value, ast.Constant) else ...
    return None


def forbidden_call(call: ast.Call, name: str) -> bool:
    """Whether a call is safe with other arguments only."""
    if name == "torch.load" or name.endswith("get_state_dict"):
        return keyword(call, "weights_only") is not True
    if name in ("numpy.load", "numpy.lib.format.read_array"):
        return len(call.args) > 2 or keyword(call, "allow_pickle") not in (None, False)
    if name == "ctypes.CDLL":  # what this process has loaded anyway
        return bool(call.keywords) or [getattr(argument, "value", ...) for argument in call.args] != [None]
    return name.startswith("subprocess.") and keyword(call, "shell") not in (None, False)


def forbidden(source: str) -> list[int]:
    """Lines at which a program could run what it reads."""
    tree = ast.parse(source)
    known = names(tree)
    called = {call.func for call in ast.walk(tree) if isinstance(call, ast.Call)}
    bases = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = []
    for node in ast.walk(tree):
        name = "" if isinstance(getattr(node, "ctx", None), ast.Store) else dotted(node, known)
        top = name.split(".")[0]
        wrong = isinstance(node, ast.Call) and forbidden_call(node, dotted(node.func, known))
        if isinstance(node, ast.ImportFrom):
            wrong = (node.module or "").split(".")[0] in MODULES or "*" in [alias.name for alias in node.names]
        elif name:
            wrong |= bool(FORBIDDEN.fullmatch(name)) or (name.endswith(".?") and top in known.values())
            wrong |= top in MODULES and name not in ALLOWED and node not in bases
            # Under another name its arguments would not be seen.
            wrong |= name in ("torch.load", "ctypes.CDLL") and node not in called
        if wrong:
            found.append(node.lineno)
    return found


LOOK_UPS = {
    "src/landcover/__init__.py": ["return getattr(import_module(_MODULE_OF_NAME[name]), name)"],
    "src/landcover/cli/command_line.py": [
        'command: click.Command = getattr(import_module(f"landcover.cli.{name}"), name)'
    ],
    "src/landcover/labels/rereading.py": [
        "kind, arguments = pickle.loads(pickled)",
        "return _read, (self._key, pickle.dumps((type(self), self._arguments)))",
    ],
    "src/landcover/scale/cluster_map.py": [
        "job, told = _Job(pickle.dumps(work), Path.cwd()), set[str]()",
        "work = pickle.loads(job.work)",
    ],
    "src/landcover/scale/connecting.py": [
        'found = {"landcover": import_module("landcover._version").__version__, "torch": version("torch")}'
    ],
    "src/landcover/models/smp_decoders.py": [
        'smp: Any = import_module(f"segmentation_models_pytorch.decoders.{spec.module}.decoder")'
    ],
    "src/landcover/system/devices.py": ["dtype: torch.dtype = getattr(torch, PRECISIONS[precision])"],
}
"""Lines, by file, that look up a name: only names in a table of the program get there. Or that unpickle what a worker
gets from the command that uses it: Dask itself does so, and whoever reaches a scheduler can run programs anyway."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_can_run(path):
    text = path.read_text()
    lines = [text.splitlines()[number - 1].strip() for number in forbidden(text)]
    assert lines == LOOK_UPS.get(path.relative_to(ROOT).as_posix(), [])


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
        "import ctypes\nctypes.CDLL(path)",
        "import ctypes\nctypes.CDLL('plugin.so')",
        "from ctypes import CDLL as load\nlibrary = load",
        "import ctypes\nctypes.cdll.LoadLibrary(path)",
        "import subprocess as s\ns.Popen(command, shell=shell)",
        "import subprocess\nsubprocess.getoutput(command)",
        "import zipfile\nzipfile.ZipFile(path).extractall(folder)",
        "import tarfile\ntarfile.open(path).extractall(folder)",
        "import shutil\nshutil.unpack_archive(path)",
        "run = eval\nrun(text)",
        "map(exec, texts)",
        "from builtins import eval as read\nread(text)",
        "__builtins__['eval'](text)",
        "import os\ngetattr(os, 'system')(command)",
        "import os\ngetattr(os, name)(command)",
        "import os as o\no.posix_spawn(path, arguments, environment)",
        "from os import *\nsystem(command)",
        "import pickle\ngetattr(pickle, 'loads')(data)",
        "import pickle\nread = pickle\nread.loads(data)",
        "import torch\nload = torch.load\nload(path)",
        "from functools import partial\nimport torch\npartial(torch.load, weights_only=False)(path)",
        "import torch\ntorch.load(path, **options)",
        "import torch.serialization as s\ns.load(path)",
        "from torch import serialization\nserialization.load(path)",
        "import torch\ntorch.jit.load(path)",
        "import torch\ntorch.hub.load(repository, name)",
        "import yaml\nyaml.Loader(text).get_data()",
        "import yaml\nyaml.unsafe_load_all(text)",
        "import numpy as np\nnp.load(path, None, True)",
        "import numpy as np\nnp.load(path, **options)",
        "import pandas as pd\npd.eval(text)",
        "import subprocess\nsubprocess.run(command, **options)",
        "import subprocess\nsubprocess.getstatusoutput(command)",
        "import runpy\nrunpy.run_module(name)",
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
        "import torch\ntorch.compile(network)",
        "value = getattr(arguments, name)",
        "class Recipe:\n    compile: bool",
    ],
)
def test_the_test_lets_pass_what_is_safe(snippet):
    assert not forbidden(snippet)


PACKAGES = {  # whose import has another name
    "PIL": "pillow",
    "dask": "distributed",
    "odc": "odc-stac",
    "pystac_client": "pystac-client",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def requirements(name: str) -> dict[str, str]:
    """Versions by package of a requirements file's own lines."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    pins = [line for line in lines if line and not line.startswith("-r ")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins), pins
    return {pin.split("==")[0].lower(): pin.split("==")[1] for pin in pins}


def imported_packages(folder: str) -> set[str]:
    """Packages of others that the modules of a folder import."""
    return {package for path in (ROOT / folder).rglob("*.py") for package in imported_by(path)}


def imported_by(path: Path) -> set[str]:
    """Packages of others that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[0] for name in [*modules, getattr(node, "module", None) or ""]}
    ours = {"", "landcover", "stages", "benchmarks", "results"}
    return {PACKAGES.get(name, name) for name in found - ours - sys.stdlib_module_names}


def test_all_that_is_imported_is_pinned():
    pipeline, extras = requirements("requirements.txt"), requirements("requirements-extras.txt")
    assert imported_packages("stages") <= pipeline.keys()
    assert imported_packages("src") <= pipeline.keys() | extras.keys()
    assert pipeline.keys() | extras.keys() == imported_packages("src") | imported_packages("stages") | {
        "bokeh",
        "dvc",
        "dvc-s3",
        "gto",
        "setuptools",
    }
    tools, peers = requirements("requirements-dev.txt"), requirements("requirements-bench.txt")
    assert imported_packages("results") <= pipeline.keys()
    assert imported_packages("benchmarks") <= pipeline.keys() | extras.keys() | tools.keys() | peers.keys()
    assert peers.keys() <= imported_packages("benchmarks") - pipeline.keys() - extras.keys() - tools.keys()


def test_what_benchmarks_import_at_once_needs_no_further_peers():
    peers = requirements("requirements-bench.txt")
    importing = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if peers.keys() & imported_by(path)}
    assert importing == {"lightning_loops"}  # which training_peers runs in a process of its own, where it is possible
    for path in (ROOT / "benchmarks").glob("*.py"):
        assert "import lightning_loops" not in path.read_text(), path


def test_what_stages_reach_needs_no_extras():
    extras = requirements("requirements-extras.txt").keys() - {"distributed"}  # for those who ask for workers
    for line in (ROOT / "dvc.yaml").read_text().splitlines():
        path = line.strip().removeprefix("- ")
        if path.endswith(".py"):
            text = (ROOT / path).read_text()
            assert not re.findall(rf"^(?:import|from) ({'|'.join(extras)})\b", text, re.MULTILINE), path
