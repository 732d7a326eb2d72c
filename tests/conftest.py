"""Small real data sets for the tests."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
import yaml
from browser import Pages
from object_store import NoObjectStoreError, ObjectStore
from PIL import Image
from programs import Programs
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from docs.chromium import NoBrowserError, chromium
from landcover.classes import class_table
from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.colours import hex_colour
from landcover.cli import main
from landcover.data.preparation import prepare
from landcover.data.tiles import Tiles
from landcover.images.pairs import find_samples
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build

# The tests run side by side on small tensors; threads of PyTorch would only get in each other's way.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)
# A shell that starts the tests in the background lets them ignore Ctrl-C, and with them the commands that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
TABLE = ClassTable(
    {"urban": (0, 255, 255), "forest": (0, 255, 0), "water": (0, 0, 255)},
    ignore=("unknown", (0, 0, 0)),
)
BACKBONE = "test_resnet"
"""timm's smallest ResNet, of 0.4 million weights: quick to build, to train and to save."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of stages, commands and training before those of the library's other modules: long files first.

    So no core is left with a long file while the others have finished; see --no-loadscope-reorder in pyproject.toml.
    """
    modules = ROOT / "tests" / "landcover"
    items.sort(key=lambda item: modules in item.path.parents and item.path.parent != modules / "training")


@pytest.fixture
def classes() -> ClassTable:
    return TABLE


def draw_pair(folder: Path, name: str, height: int, width: int, seed: int = 0, table: ClassTable = TABLE) -> np.ndarray:
    """Write NAME_sat.png, in which colour tells the class but for some noise, and NAME_mask.png; return the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(len(table), size=(height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    labels = coarse.repeat(8, 0).repeat(8, 1)[:height, :width]
    colours = np.linspace((60, 200, 30), (200, 40, 220), len(table))
    image = (colours[labels] + rng.normal(0, 12, (height, width, 3))).clip(0, 255).astype(np.uint8)
    Image.fromarray(image).save(folder / f"{name}_sat.png")
    Image.fromarray(table.encode(labels)).save(folder / f"{name}_mask.png")
    return labels


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder of three pairs of unlike sizes."""
    for i, (height, width) in enumerate([(40, 40), (33, 57), (70, 21)]):
        draw_pair(tmp_path / "pairs", f"{i:04d}", height, width, seed=i)
    return tmp_path / "pairs"


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder of folders `truth`, `good` and `bad` of masks of the same twelve images, in the preset's colours."""
    rng = np.random.default_rng(0)
    for i in range(12):
        labels = rng.integers(6, size=(30, 20 + i), dtype=np.uint8)
        for folder, share in (("truth", 0), ("good", 0.1), ("bad", 0.5)):
            (tmp_path / folder).mkdir(exist_ok=True)
            noise = rng.integers(6, size=labels.shape, dtype=np.uint8)
            mask = class_table.DEEPGLOBE.encode(np.where(rng.random(labels.shape) < share, noise, labels))
            Image.fromarray(mask).save(tmp_path / folder / f"{i}_mask.png")
    return tmp_path


@pytest.fixture
def tiles(tmp_path: Path, classes: ClassTable) -> Tiles:
    """Three prepared tiles of 64 pixels, two of them padded."""
    for i, (height, width) in enumerate([(64, 64), (50, 64), (20, 30)]):
        draw_pair(tmp_path / "pairs", f"{i}", height, width, seed=i)
    prepare(find_samples(tmp_path / "pairs"), classes, tmp_path / "out", tile=64, scale=1.0, max_off_palette=0.0)
    return Tiles.open(tmp_path / "out", classes)


def landcover(*arguments: object, folder: Path) -> subprocess.CompletedProcess:
    """Run the command in a folder, within this process, as starting it takes seconds."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    command = ["landcover", *map(str, arguments)]
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", command)
        try:
            main.main()
        except SystemExit as end:  # what Python itself makes of it
            if isinstance(end.code, str):
                print(end.code, file=err)
            code = 1 if isinstance(end.code, str) else end.code or 0
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def landcover_process(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run the command in a folder as users do, with variables of the environment."""
    command = [sys.executable, "-m", "landcover", *map(str, arguments)]
    environment = {"PYTHONPATH": ":".join(sys.path), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def model_file(classes: ClassTable, tmp_path: Path) -> Path:
    """An untrained model `m.safetensors` of three classes; of a ResNet-18, as smaller ones see one class everywhere."""
    torch.manual_seed(0)
    architecture = Architecture("fcn8s", "resnet18")
    save_model(Model(build(architecture, 3), classes, 1.0), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project on a small data set; returns a function that changes its parameters."""
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    colours = {**TABLE.colours, TABLE.ignore[0]: TABLE.ignore[1]}
    params["data"] |= {"root": "data", "classes": {n: hex_colour(c) for n, c in colours.items()}, "ignore": "unknown"}
    params["train"] |= {
        "model": "fcn8s",
        "backbone": BACKBONE,
        "weights": "none",
        "backbone_lr": 1.0,
        "freeze_batch_norm": False,
        "epochs": 2,
        "steps": 2,
        "crop": 32,
        "batch_size": 2,
        "log_every": 0,
    }
    params["predict"] |= {"tta": "none"}

    def change(**blocks):
        for block, values in blocks.items():
            params[block] |= values
        Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    change()
    for split, seed in (("train", 1), ("validation", 2)):
        for name in ("a", "b", "c"):
            draw_pair(Path("data", split), name, 40, 56, seed=seed + ord(name))
    return change


def read_table(path: str | Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def write_geotiff(path: Path, pixels: np.ndarray, crs: str | None = "EPSG:32633", **options) -> np.ndarray:
    """Write pixels (bands, H, W) as a GeoTIFF of 10 m a pixel, unless a transform says otherwise; return them."""
    bands, height, width = pixels.shape
    size = {"count": bands, "height": height, "width": width, "dtype": pixels.dtype.name}
    options = {"transform": from_origin(500_000, 5_000_000, 10, 10)} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", crs=crs, **size, **options) as file:
            file.write(pixels)
    return pixels


def write_labels(path: Path, labels: np.ndarray, **place) -> None:
    """Write labels (H, W) of the classes of `TABLE` as a map, see `write_geotiff`."""
    write_geotiff(path, labels[None], nodata=UNKNOWN, **place)
    with rasterio.open(path, "r+") as file:
        file.update_tags(CLASS_NAMES=json.dumps(dict(enumerate(TABLE.names))))


@pytest.fixture(scope="module")
def browser():
    """Chromium, closed before the next file of tests: while it runs, asyncio can run nothing else in this process."""
    try:
        with chromium() as browser:
            yield browser
    except NoBrowserError as error:
        pytest.skip(str(error))


@pytest.fixture
def pages(browser):
    """Opens pages in Chromium; fails if one of them complains or asks for anything."""
    pages = Pages(browser)
    yield pages
    pages.close()
    assert pages.complaints == []


@pytest.fixture(scope="session")
def programs():
    """Starts stages and the command as processes of their own."""
    programs = Programs()
    yield programs
    programs.close()


@pytest.fixture(scope="session")
def object_store(tmp_path_factory):
    """An S3 server, one for each process of pytest-xdist."""
    try:
        store = ObjectStore(tmp_path_factory.mktemp("object_store"))
    except NoObjectStoreError as error:
        pytest.skip(str(error))
    yield store
    store.close()


@pytest.fixture(scope="session")
def path_with_python():
    """Let `python`, as the stages' commands call it, be the one that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
        yield
