"""Programs that are told to write where something stands that nobody can make again: inputs, devices, pipes."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bad_cases import MODEL, V, case, on, pipe, replaced, set_param, several, without
from bad_files import linked
from conftest import draw_pair, write_geotiff

LABEL = ("landcover", "predict", V, "-m", MODEL, "-o")
SCENE = ("landcover", "predict", "scenes/a.tif", "-m", MODEL, "-o")
PROGRAMS = {
    "fetch": ("stages.fetch",),
    "weights": ("stages.weights",),
    "export": ("landcover", "export", MODEL, "-o", "out.onnx"),
    "export onto itself": ("landcover", "export", MODEL, "-o", f"models/../{MODEL}"),
    "label beside": (*LABEL, V, "--overwrite"),
    "label beside, by another path": (*LABEL, "data/train/../validation/", "--overwrite"),
    "label beside, with probabilities": (*LABEL, V, "--probabilities"),
    "label beside, of a pattern": ("landcover", "predict", f"{V}/?_sat.png", "-m", MODEL, "-o", V, "--overwrite"),
    "scene": (*SCENE, "maps"),
    "scene and map": ("landcover", "predict", "scenes/a.tif", "scenes/a_mask.tif", *SCENE[3:], "scenes", "--overwrite"),
    "scene onto itself": (*SCENE, "scenes/a.tif"),
    "scene onto a file": (*SCENE, "out.tif", "--overwrite"),
    "scene with polygons": (*SCENE, "maps", "--polygons", "out.gpkg", "--format", "gtiff"),
    "scene of a model": ("landcover", "predict", "scenes/a.tif", "-m", "maps/a_mask.tif", "-o", "maps"),
    "scene with probabilities": (*SCENE, "maps", "--probabilities", "--overwrite"),
    "package": (
        "landcover",
        "predict",
        "a.gpkg",
        "-m",
        MODEL,
        "-o",
        "maps",
        "--format",
        "gtiff",
        "--polygons",
        "a.gpkg",
    ),
    "mosaic": ("landcover", "predict", "a.vrt", "-m", MODEL, "-o", "maps", "--overwrite"),
}


def scene(folder: Path) -> None:
    """A GeoTIFF and its true map in a folder of their own."""
    for name, seed in (("a", 1), ("a_mask", 2)):
        pixels = np.random.default_rng(seed).integers(256, size=(3, 20, 30), dtype=np.uint8)
        (folder / "scenes").mkdir(exist_ok=True)
        write_geotiff(folder / "scenes" / f"{name}.tif", pixels)


def moved(root: str) -> Callable[[Path], None]:
    """A damage: the data set lies in another folder, beside what is there, and data.root names it."""

    def damage(folder: Path) -> None:
        for split in ("train", "validation"):
            (folder / root / split).mkdir(parents=True, exist_ok=True)
            for path in (folder / "data" / split).glob("*.png"):
                path.rename(folder / root / split / path.name)
        set_param("data.root", root)(folder)

    return damage


def link(path: str, target: str) -> Callable[[Path], None]:
    """A damage: a link in the place of whatever is there."""

    def damage(folder: Path) -> None:
        replaced(path, b"")(folder)
        linked(folder / path, target)

    return damage


def hard_link(path: str, target: str) -> Callable[[Path], None]:
    return lambda folder: ((folder / path).unlink(missing_ok=True), os.link(folder / target, folder / path))


def unix_socket(path: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / path).unlink(missing_ok=True)
        here = Path.cwd()
        os.chdir((folder / path).parent)  # the path of a socket may have a hundred bytes
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(Path(path).name)
        os.chdir(here)

    return damage


def device(path: str) -> Callable[[Path], None]:
    """A damage: a device as /dev/null is, where such can be made."""

    def damage(folder: Path) -> None:
        (folder / path).unlink(missing_ok=True)
        try:
            os.mknod(folder / path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("devices cannot be made here")

    return damage


def absolute_root(folder: Path) -> None:
    moved("data/prepared")(folder)
    set_param("data.root", str(folder / "data" / "prepared"))(folder)


def pairs_link_into(output: str) -> Callable[[Path], None]:
    """A damage: the pairs are links to files in a folder that a stage replaces."""

    def damage(folder: Path) -> None:
        for path in (folder / V).glob("*.png"):
            path.rename(folder / output / path.name)
            path.symlink_to(f"../../{output}/{path.name}")

    return damage


def geopackage(folder: Path) -> None:
    """An image in a GeoPackage, and only there."""
    import rasterio.shutil

    scene(folder)
    rasterio.shutil.copy(folder / "scenes" / "a.tif", folder / "a.gpkg", driver="GPKG")


def mosaic(folder: Path) -> None:
    """A mosaic of a file that its map would replace."""
    import rasterio.shutil

    scene(folder)
    shutil.copy(folder / "scenes" / "a.tif", folder / "maps" / "a_mask.tif")
    rasterio.shutil.copy(folder / "maps" / "a_mask.tif", folder / "a.vrt", driver="VRT")


ROOT = r"Move the data, and set data\.root in params\.yaml\."
OTHER = r"Name another output\."
SPECIAL = r"a device, pipe or socket, which is not written to\. Name a file instead\."
TRUTH = r"exists already, in the folder of the images, and may be the truth\. Name another folder, or remove it\."

REPLACED = {"prepare": "data/prepared", "predict": "data/predictions"}
STAGES = [
    *(
        case(
            f"data in {root}",
            stage,
            moved(root),
            rf"{output}: would be replaced, with the input {root}/\w+ in it\. {ROOT}",
        )
        for stage, output in REPLACED.items()
        for root in (output, f"{output}/deeper", f"data/bluemarble/../../{output}")
    ),
    case("data in an absolute path", "prepare", absolute_root, rf"data/prepared: would be replaced, with .* {ROOT}"),
    *(
        case(
            "data in a link to it",
            stage,
            several(moved(output), link("mine", output), set_param("data.root", "mine")),
            rf"{output}: would be replaced, with the input mine/\w+ in it\. {ROOT}",
        )
        for stage, output in REPLACED.items()
    ),
    *(
        case(
            "data around it",
            stage,
            several(
                on("up", Path.mkdir),
                link("up/train", "../data"),
                link("up/validation", "../data"),
                set_param("data.root", "up"),
            ),
            rf"{output}: lies in up/\w+, which is an input\. {ROOT}",
        )
        for stage, output in REPLACED.items()
    ),
    *(
        case(
            "it is a link to the data",
            stage,
            several(without(output), moved("mine"), link(output, "../mine")),
            rf"{output}: would be replaced, with the input mine/\w+ in it\. {ROOT}",
        )
        for stage, output in REPLACED.items()
    ),
    case("pairs that link into it", "predict", pairs_link_into("data/predictions"), rf"data/predictions: .* {ROOT}"),
    case(
        "pairs that link into it",
        "prepare",
        pairs_link_into("data/prepared"),
        r"data/prepared/a_mask\.png: not made by this program, but in a folder that it would replace\. Move it\.",
    ),
    case(
        "a model that links into it",
        "predict",
        lambda folder: (
            (folder / MODEL).rename(folder / "data/predictions/m.safetensors"),
            (folder / MODEL).symlink_to("../data/predictions/m.safetensors"),
        ),
        rf"data/predictions: would be replaced, with the input {MODEL} in it\. {ROOT}",
    ),
    case(
        "weights among the tiles",
        "prepare",
        replaced("data/prepared/w.pth", b"mine"),
        r"data/prepared/w\.pth: not made by this program, but in a folder that it would replace\. Move it\.",
    ),
    case(
        "weights among the tiles",
        "train",
        several(replaced("data/prepared/w.pth", b"mine"), set_param("train.weights", "data/prepared/w.pth")),
        r"data/prepared: would be replaced, with the input data/prepared/w\.pth in it\. Move the weights, and set",
    ),
    *(
        case(
            "weights among those that are fetched",
            stage,
            several(
                lambda folder: (folder / "data/weights").mkdir(),
                replaced("data/weights/w.pth", b"mine"),
                set_param("train.weights", "data/weights/w.pth"),
            ),
            r"data/weights: would be replaced, with the input data/weights/w\.pth in it\. Move the weights, and set",
        )
        for stage in ("train", "weights")
    ),
    case(
        "weights in the place of the model",
        "train",
        set_param("train.weights", f"./{MODEL}"),
        rf"{MODEL}: an input, which would be replaced\. Move the weights, and set",
    ),
    case(
        "weights in the place of the model, by a hard link",
        "train",
        several(hard_link("w.pth", MODEL), set_param("train.weights", "w.pth")),
        rf"{MODEL}: an input \(w\.pth\), which would be replaced\. Move the weights",
    ),
    case(
        "a user's pair in the place of the embedded data set",
        "fetch",
        lambda folder: draw_pair(folder / "data/bluemarble/train", "town", 8, 8),
        r"data/bluemarble/train/town_mask\.png: not made by this program, but in a folder .*\. Move it\.",
    ),
    case(
        "a plot that leads to a true mask",
        "evaluate",
        several(without("plots/samples.png"), link("plots/samples.png", "../data/validation/a_mask.png")),
        rf"plots/samples\.png: lies in {V}, which is an input\. {ROOT}",
    ),
]
WAYS = {
    "a pipe": pipe,
    "a socket": unix_socket,
    "a device": device,
    "a link to a pipe": lambda path: several(pipe("p"), link(path, "../p")),
}
SPECIAL_FILES = [
    *(
        case(f"{what} in the place of {path}", stage, way(path), rf"{path}: {SPECIAL}")
        for what, way in WAYS.items()
        for stage, path in (
            ("prepare", "plots/data.csv"),
            ("train", MODEL),
            ("train", "plots/training.csv"),
            ("evaluate", "plots/samples.png"),
            ("evaluate", "metrics/evaluate.json"),
            ("label", "maps/a_mask.png"),
        )
    ),
    case(
        "a pipe in the place of tiles",
        "prepare",
        several(without("data/prepared"), pipe("data/prepared")),
        rf"data/prepared: {SPECIAL}",
    ),
    case("a pipe", "export", pipe("out.onnx"), rf"out\.onnx: {SPECIAL}"),
    case("a device", "export", device("out.onnx"), rf"out\.onnx: {SPECIAL}"),
    case("a device", "scene onto a file", several(scene, device("out.tif")), rf"out\.tif: {SPECIAL}"),
    case("a socket", "export", unix_socket("out.onnx"), rf"out\.onnx: {SPECIAL}"),
    case("a pipe", "scene onto a file", several(scene, pipe("out.tif")), rf"out\.tif: {SPECIAL}"),
    case("a pipe", "scene with polygons", several(scene, pipe("out.gpkg")), rf"out\.gpkg: {SPECIAL}"),
]
COMMANDS = [
    case("its own model", "export onto itself", lambda folder: None, rf"models/\.\./{MODEL}: an input .*\. {OTHER}"),
    case(
        "a hard link", "export", hard_link("out.onnx", MODEL), rf"out\.onnx: an input \({MODEL}\), which .*\. {OTHER}"
    ),
    case("a link", "export", link("out.onnx", MODEL), rf"out\.onnx: an input \({MODEL}\), which would .*\. {OTHER}"),
    case(
        "a link to a link",
        "export",
        several(link("l", MODEL), link("out.onnx", "l")),
        rf"out\.onnx: an input .* {OTHER}",
    ),
    *(
        case("the true masks", program, lambda folder: None, rf"data/.*a_mask\.png: {TRUTH}")
        for program in PROGRAMS
        if program.startswith("label beside")
    ),
    case("a link to the true masks", "label", several(without("maps"), link("maps", V)), rf"maps/a_mask\.png: {TRUTH}"),
    case("an input", "scene and map", scene, rf"scenes/a_mask\.tif: an input, which would be replaced\. {OTHER}"),
    case("its input", "scene onto itself", scene, rf"scenes/a\.tif: an input, which would be replaced\. {OTHER}"),
    case(
        "the model",
        "scene of a model",
        several(scene, lambda folder: shutil.copy(folder / MODEL, folder / "maps" / "a_mask.tif")),
        rf"maps/a_mask\.tif: an input, which would be replaced\. {OTHER}",
    ),
    case(
        "the model, by a hard link",
        "scene with probabilities",
        several(scene, hard_link("maps/a_probabilities.tif", MODEL)),
        rf"maps/a_probabilities\.tif: an input \({MODEL}\), which would be replaced\. {OTHER}",
    ),
    case(
        "its input, by a link",
        "scene onto a file",
        several(scene, link("out.tif", "scenes/a.tif")),
        rf"out\.tif: an input \(scenes/a\.tif\), which would be replaced\. {OTHER}",
    ),
    case(
        "its input, by a hard link",
        "scene onto a file",
        several(scene, hard_link("out.tif", "scenes/a.tif")),
        rf"out\.tif: an input \(scenes/a\.tif\), which would be replaced\. {OTHER}",
    ),
    case("an input GeoPackage", "package", geopackage, rf"a\.gpkg: an input, which would be replaced\. {OTHER}"),
    case("a part of a mosaic", "mosaic", mosaic, rf"maps/a_mask\.tif: an input \(.*/a_mask\.tif\), .* {OTHER}"),
    case(
        "a folder in the place of a map",
        "label",
        on("maps", lambda path: ((path / "b_mask.png").unlink(), (path / "b_mask.png").mkdir())),
        r"maps/b_mask\.png: cannot be written \(Is a directory\)\.",
    ),
]
CASES = [*STAGES, *SPECIAL_FILES, *COMMANDS]
