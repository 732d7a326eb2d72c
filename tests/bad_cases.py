"""What can be wrong with a project in which everything has run, and what the program that meets it then says."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import bad_files as bad
import numpy as np
import pandas as pd
import yaml
from conftest import draw_pair, write_geotiff
from PIL import Image
from raster_pairs import draw_raster_pair

MODEL = "models/model.safetensors"
PROGRAMS = {
    "prepare": ("stages.prepare",),
    "train": ("stages.train",),
    "predict": ("stages.predict",),
    "evaluate": ("stages.evaluate",),
    "report": ("stages.report",),
    "label": ("landcover", "predict", "data/validation", "-m", MODEL, "-o", "maps", "--overwrite"),
    "info": ("landcover", "info", MODEL),
    "score": ("landcover", "evaluate", "-g", "data/validation", "-p", "data/predictions", "--classes", "params.yaml"),
    "compare": (
        "landcover",
        "compare",
        "data/predictions",
        "maps",
        "-g",
        "data/validation",
        "--classes",
        "params.yaml",
    ),
    "validate": ("landcover", "validate", "data/validation", "-m", MODEL),
}
NOBODY = 65534


def set_param(key: str, value: object) -> Callable[[Path], None]:
    """A damage: another value in params.yaml."""

    def damage(folder: Path) -> None:
        params = yaml.safe_load((folder / "params.yaml").read_text())
        *blocks, last = key.split(".")
        block = params
        for name in blocks:
            block = block[name]
        block[last] = value
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    return damage


def drop_param(key: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        params = yaml.safe_load((folder / "params.yaml").read_text())
        del params[key]
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    return damage


def on(path: str, damage: Callable[..., object], *arguments: object, **options: object) -> Callable[[Path], None]:
    """A damage to one file."""
    return lambda folder: damage(folder / path, *arguments, **options)


def replaced(path: str, content: bytes | None = None) -> Callable[[Path], None]:
    """A damage: a file, or with None a folder, in the place of whatever is there."""

    def damage(folder: Path) -> None:
        target = folder / path
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        target.mkdir() if content is None else target.write_bytes(content)

    return damage


def without(*patterns: str) -> Callable[[Path], None]:
    """A damage: missing files or folders."""

    def damage(folder: Path) -> None:
        for path in [path for pattern in patterns for path in folder.glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def pipe(path: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / path).unlink(missing_ok=True)
        os.mkfifo(folder / path)

    return damage


def several(*damages: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for one in damages:
            one(folder)

    return damage


def alias_bomb(folder: Path) -> None:
    """A parameter that a few aliases make a list of 10**9 texts."""
    lists = ["&x0 [" + ", ".join(["lol"] * 10) + "]"]
    lists += [f"&x{i} [" + ", ".join([f"*x{i - 1}"] * 10) + "]" for i in range(1, 9)]
    path = folder / "params.yaml"
    path.write_text(path.read_text().replace("epochs: 1", f"epochs: [{', '.join(lists)}]"))


def replaced_in(path: str, old: str, new: str) -> Callable[[Path], None]:
    """A damage: another text in the first place of one."""

    def damage(folder: Path) -> None:
        content = (folder / path).read_text()
        assert old in content
        (folder / path).write_text(content.replace(old, new, 1))

    return damage


def other_labels(path: Path, label: int) -> None:
    """Change some labels of a prepared array."""
    labels = np.load(path)
    labels[0, :3] = label
    np.save(path, labels)


def nothing_known(path: Path) -> None:
    """Let a table count all pixels as unknown."""
    table = pd.read_csv(path)
    counts = [name for name in table if name.startswith("pixels_")]
    table[counts] = 0
    table["pixels_unknown"] = table.height * table.width
    table.to_csv(path, index=False)


def many_broken(folder: Path) -> None:
    for split in ("train", "validation"):
        for i in range(14):
            draw_pair(folder / "data" / split, f"{i:02d}", 8, 8)
            (folder / "data" / split / f"{i:02d}_sat.png").write_bytes(b"")


def large(path: Path) -> None:
    """A pair of 81 megapixels: 243 MB when decoded, 100 KB in the files."""
    without("[bc]_*")(path)
    for name in ("a_sat.png", "a_mask.png"):
        Image.new("L", (9000, 9000)).save(path / name)


def rasters(*damages: Callable[[Path], object], bands: object = ("red", "nir"), **options) -> Callable[[Path], None]:
    """A damage: the pairs are GeoTIFFs of blue, green, red and nir of 16 bits, of which some bands are used."""

    def damage(folder: Path) -> None:
        without("data/*/*.png")(folder)
        for split, seed in (("train", 1), ("validation", 2)):
            for name in "abc":
                path = folder / "data" / split
                draw_raster_pair(path, name, size=(40, 56), seed=seed + ord(name), **options)
        set_param("data.bands", list(bands) if isinstance(bands, tuple) else bands)(folder)
        several(*damages)(folder)

    return damage


def other_raster(path: Path, count: int = 4, dtype: str = "uint16", value: object = 1, **options: object) -> None:
    """A raster of one value in the place of an image."""
    write_geotiff(path, np.full((count, 40, 56), value, dtype), **options)


def no_number_in_a_band(path: Path) -> None:
    pixels = np.ones((4, 40, 56), np.float32)
    pixels[2] = np.nan
    write_geotiff(path, pixels)


def at_line(text: str) -> str:
    """A pattern for a line that has this pattern behind `params.yaml: `."""
    return rf"params\.yaml: {text}"


class Case(NamedTuple):
    """Something bad.

    Attributes:
        what: In words.
        program: The one of PROGRAMS that meets it.
        damage: What is done to a project in which everything has run.
        lines: Patterns of the lines on stderr: which file, what is wrong, what to do.
        limits, user: See `Programs.start`.
    """

    what: str
    program: str
    damage: Callable[[Path], object]
    lines: tuple[str, ...]
    limits: dict[str, int] | None = None
    user: int = 0


def case(what: str, program: str, damage: Callable[[Path], object], *lines: str, **options: object) -> Case:
    return Case(what, program, damage, lines, **options)


T, V = "data/train", "data/validation"
UNREADABLE = "not readable as an image"
REPLACE = r"Replace or remove it\."
ROOM = r"Make room, or check the path and its permissions\."
AGAIN = r"Train it again\."

IMAGES = [
    case("no folder", "prepare", without(T), rf"{T}: no such folder\. Put NAME_sat.jpg .* there"),
    case("an empty folder", "prepare", without(f"{T}/*"), rf"{T}: no NAME_sat\.jpg.* in it\. Add some"),
    case("only images", "prepare", without(f"{T}/*_mask.png"), rf"{T}: no NAME_mask\.png.* in it\. Add some"),
    case("only masks", "prepare", without(f"{T}/*_sat.png"), rf"{T}: no NAME_sat\.jpg.* in it\. Add some"),
    case("no folders at all", "prepare", without("data"), rf"{T}: no such folder", rf"{V}: no such folder"),
    case("an unpaired image", "prepare", without(f"{T}/b_mask.png"), rf"{T}/b_sat\.png: no mask b_mask.png .* Add or"),
    case("an unpaired mask", "prepare", without(f"{V}/b_sat.png"), rf"{V}/b_mask\.png: no image b_sat.* Add or"),
    case("an empty image", "prepare", replaced(f"{T}/a_sat.png", b""), rf"{T}/a_sat\.png: {UNREADABLE}.* {REPLACE}"),
    case("an empty mask", "prepare", replaced(f"{T}/a_mask.png", b""), rf"{T}/a_mask\.png: {UNREADABLE}.* {REPLACE}"),
    case("text", "prepare", replaced(f"{T}/a_sat.png", b"text\n" * 99), rf"{T}/a_sat\.png: {UNREADABLE}.* {REPLACE}"),
    case("a cut image", "prepare", on(f"{T}/a_sat.png", bad.cut), rf"{T}/a_sat\.png: not readable to .* {REPLACE}"),
    case("a cut mask", "prepare", on(f"{T}/a_mask.png", bad.cut), rf"{T}/a_mask\.png: not readable to .* {REPLACE}"),
    case("a cut header", "prepare", on(f"{T}/a_sat.png", bad.cut, 0.004), rf"{T}/a_sat\.png: {UNREADABLE}.* {REPLACE}"),
    case(
        "an animated PNG", "prepare", on(f"{T}/a_sat.png", bad.animation, "png"), rf"{T}/a_sat\.png: .*animation\. Save"
    ),
    case(
        "an animated GIF",
        "prepare",
        on(f"{T}/a_mask.png", bad.animation, "gif"),
        rf"{T}/a_mask\.png: .*animation\. Save",
    ),
    case(
        "PostScript", "prepare", on(f"{T}/a_sat.png", bad.save, "RGB", format="eps"), rf"{T}/a_sat\.png: {UNREADABLE}"
    ),
    case(
        "16 bits",
        "prepare",
        on(f"{T}/a_sat.png", bad.save, "I;16"),
        rf"{T}/a_sat\.png: .* 16 bits, .*Convert it",
    ),
    case(
        "16 bits RGB", "prepare", on(f"{T}/a_sat.png", bad.sixteen_bit_rgb), rf"{T}/a_sat\.png: .* 16 bits, .*Convert"
    ),
    case(
        "floats", "prepare", on(f"{T}/a_sat.png", bad.save, "F", format="tiff"), rf"{T}/a_sat\.png: .* F, .*Convert it"
    ),
    case(
        "a mask of other size",
        "prepare",
        on(f"{T}/a_mask.png", lambda path: Image.new("RGB", (56, 41)).save(path)),
        rf"{T}/a_mask\.png: its size and that of {T}/a_sat\.png differ: 56x41 and 56x40 pixels\. Make them equal\.",
    ),
    case(
        "one off-palette colour",
        "prepare",
        on(f"{T}/a_mask.png", bad.paint, 9),
        rf"{T}/a_mask\.png: 0\.40% of the pixels .* #c80000 \(9\)\. Add them to \S*classes\S* or raise",
    ),
    case(
        "off-palette colours",
        "prepare",
        on(f"{T}/a_mask.png", bad.paint, 99, 50),
        rf"{T}/a_mask\.png: 4\.42% .*: #c80000 \(2\), #c80001 \(2\), #c80002 \(2\) and 47 more\. Add them",
    ),
    case(
        "a mask that was a JPEG",
        "prepare",
        on(f"{T}/a_mask.png", bad.jpeg_compress),
        rf"{T}/a_mask\.png: .* of no class: .* and \d+ more\. Add them",
    ),
    case(
        "a bomb", "prepare", on(f"{T}/a_sat.png", bad.bomb, 14_000), rf"{T}/a_sat\.png: more than 178 million .* Cut it"
    ),
    case(
        "half a bomb", "prepare", on(f"{T}/a_sat.png", bad.bomb, 10_000), rf"{T}/a_mask\.png: .* 56x40 and 10000x10000"
    ),
    case(
        "two images of one name",
        "prepare",
        on(f"{T}/a_sat.jpg", bad.save, "RGB"),
        rf"{T}/a_sat\.png: .*same name\. Re",
    ),
    case(
        "two images of one name and other broken files",
        "prepare",
        several(
            on(f"{T}/a_sat.jpg", bad.save, "RGB"),
            on(f"{T}/b_mask.tif", bad.save, "RGB"),
            replaced(f"{T}/c_sat.png", b""),
        ),
        rf"{T}/a_sat\.png: .*same name\. Re",
        rf"{T}/b_mask\.tif: .*same name\. Re",
        rf"{T}/c_sat\.png: {UNREADABLE}",
    ),
    case(
        "a line break in a name",
        "prepare",
        replaced(f"{T}/x\ny_sat.png", b""),
        rf"{T}/x\\ny_sat\.png: no mask x\\ny_mask",
    ),
    case(
        "a link to itself",
        "prepare",
        on(f"{T}/a_sat.png", bad.linked, "a_sat.png"),
        rf"{T}/a_sat\.png: .*links.* {REPLACE}",
    ),
    case(
        "a link to nothing",
        "prepare",
        on(f"{T}/a_mask.png", bad.linked, "gone"),
        rf"{T}/a_mask\.png: .*No such .* {REPLACE}",
    ),
    case("a folder", "prepare", replaced(f"{T}/a_sat.png"), rf"{T}/a_sat\.png: .*no regular file.* {REPLACE}"),
    case("a pipe", "prepare", pipe(f"{T}/a_sat.png"), rf"{T}/a_sat\.png: .*no regular file.* {REPLACE}"),
    case(
        "a file that may not be read",
        "prepare",
        on(f"{T}/a_sat.png", lambda path: path.chmod(0)),
        rf"{T}/a_sat\.png: .*Permission denied.* {REPLACE}",
        user=NOBODY,
    ),
    case(
        "a folder that may not be read",
        "prepare",
        on(T, lambda path: path.chmod(0)),
        rf"{T}: Permission denied\. {ROOM}",
        user=NOBODY,
    ),
    case(
        "broken files of both splits among good ones",
        "prepare",
        several(
            replaced(f"{T}/a_sat.png", b""),
            without(f"{T}/c_mask.png"),
            on(f"{T}/b_mask.png", bad.paint, 99),
            on(f"{V}/b_sat.png", bad.cut),
            on(f"{V}/c_mask.png", bad.save, "I;16"),
        ),
        rf"{T}/c_sat\.png: no mask",
        rf"{T}/a_sat\.png: {UNREADABLE}",
        rf"{T}/b_mask\.png: 4\.42%",
        rf"{V}/b_sat\.png: not readable to its end",
        rf"{V}/c_mask\.png: pixels of type 16 bits",
    ),
    case(
        "28 broken files",
        "prepare",
        many_broken,
        *[rf"data/\w+/\d\d_sat\.png: {UNREADABLE}"] * 20,
        r"\.\.\. and 8 more files",
    ),
    case(
        "too little memory",
        "prepare",
        on(T, large),
        rf"{T}/a_sat\.png: not enough memory for it\. Cut it",
        limits={"RLIMIT_AS": 250 << 20},
    ),
]
PARAMS = [
    case("no block", "prepare", drop_param("prepare"), at_line("no block 'prepare'. Restore it")),
    case("an unknown block", "prepare", set_param("prepair", {}), at_line("prepair: no such block; there are data")),
    case(
        "an empty block",
        "prepare",
        set_param("prepare", None),
        at_line("prepare = null: should be a table with the keys"),
    ),
    case(
        "an unknown key", "train", set_param("train.modl", "fcn8s"), at_line("train.modl: no such key; train has model")
    ),
    case(
        "a wrong type",
        "train",
        set_param("train.epochs", "ten"),
        at_line("train.epochs = 'ten': should be a valid int"),
    ),
    case(
        "a negative", "prepare", set_param("prepare.tile", -1), at_line("prepare.tile = -1: should be greater than or")
    ),
    case(
        "not a number",
        "train",
        set_param("train.lr", float("nan")),
        at_line("train.lr = nan: should be a finite number"),
    ),
    case(
        "infinity", "predict", set_param("predict.overlap", float("inf")), at_line("predict.overlap = inf: should be")
    ),
    case(
        "nothing left",
        "prepare",
        several(set_param("data.split", "scene"), set_param("data.holdout", 1)),
        at_line("data.holdout = 1: leaves nothing to train on"),
    ),
    case(
        "kept aside in folders",
        "prepare",
        set_param("data.holdout", 10),
        at_line("data.holdout = 10: is not for split: folder. Add -S data.split=scene, or set this to 0"),
    ),
    case(
        "nothing kept aside",
        "evaluate",
        several(set_param("data.split", "scene"), set_param("data.holdout", 100)),
        r"params\.yaml: data\.holdout = 100: data/train has only \d+ images\. Lower it\.",
    ),
    case("no classes", "prepare", set_param("data.classes", {}), at_line("data.ignore = 'unknown' should be null or")),
    case(
        "no classes and no unknown",
        "prepare",
        several(set_param("data.classes", {}), set_param("data.ignore", None)),
        at_line("data.classes: 0 classes .*2 to 253 are needed"),
    ),
    case(
        "two classes of one colour",
        "prepare",
        set_param("data.classes.forest", "#0000ff"),
        at_line("data.classes: 'forest' and 'water' share the colour #0000ff: give each its own"),
    ),
    case(
        "a colour that is none",
        "prepare",
        set_param("data.classes.forest", "green"),
        at_line("data.classes.forest = 'gr"),
    ),
    case(
        "an unknown unknown",
        "prepare",
        set_param("data.ignore", "nothing"),
        at_line("data.ignore = 'nothing' should be"),
    ),
    case(
        "no YAML",
        "prepare",
        replaced("params.yaml", b"data: [1,\nprepare: }"),
        r"params\.yaml, line 2: not YAML\. Fix",
    ),
    case(
        "a date that is none", "prepare", replaced("params.yaml", b"data: 2019-02-31"), r"params\.yaml: not YAML\. Fix"
    ),
    case("brackets without end", "prepare", replaced("params.yaml", b"[" * 5000), r"params\.yaml: not YAML\. Fix it"),
    case("bytes", "prepare", replaced("params.yaml", bytes(range(256))), r"params\.yaml.*: not YAML\. Fix it"),
    case("aliases without end", "train", alias_bomb, at_line(r"train.epochs = \[\['lol', .*: should be a valid int")),
    case(
        "a number of 6000 digits",
        "train",
        replaced_in("params.yaml", "epochs: 1", f"epochs: 0x{'f' * 5000}"),
        at_line("train.epochs = a number of thousands of digits: should be less than"),
    ),
    *(
        case(f"{key} = {value:.0e}", "train", set_param(key, value), at_line(rf"{key} = .*: should be less than"))
        for key, value in [
            ("train.seed", 2**64),
            ("train.steps", 10**15),
            ("train.batch_size", 10**9),
            ("train.crop", 10**6),
            ("train.zoom", 1e300),
        ]
    ),
    case(
        "weights of classes beyond floats",
        "train",
        set_param("train.class_weights", [10**400] * 3),
        at_line("train.class_weights = .* a list of numbers, one for each class"),
    ),
    case("no samples", "evaluate", set_param("evaluate.samples", []), at_line(r"evaluate.samples = \[\]: should be")),
    case(
        "resamples without end",
        "evaluate",
        set_param("evaluate.resamples", 10**12),
        at_line("evaluate.resamples = 10+: should be less than"),
    ),
    case(
        "a class of an unprintable name",
        "prepare",
        replaced_in("params.yaml", "forest:", r'"\ud800":'),
        at_line("data.classes: .* is not printable: rename the class"),
    ),
    case(
        "a class called as the pixels of none",
        "prepare",
        several(replaced_in("params.yaml", "unknown:", "ignored:"), set_param("data.ignore", None)),
        at_line("data.classes: 'ignored' .*: rename the class"),
    ),
    case("a pipe of parameters", "prepare", pipe("params.yaml"), r"params\.yaml: no regular file\. .*check the path"),
    case("no parameters", "prepare", without("params.yaml"), r"params\.yaml: No such file .*check the path"),
    case(
        "an image of that name is missing",
        "evaluate",
        set_param("evaluate.samples", ["../a"]),
        at_line(r"evaluate.samples: no image in data/validation is called '\.\./a'\."),
    ),
]
MODELS = [
    case("no model", "info", without(MODEL), rf"{MODEL}: no such file\. Train a model"),
    case("an empty model", "info", replaced(MODEL, b""), rf"{MODEL}: not a model of this program .* {AGAIN}"),
    case("a cut model", "predict", on(MODEL, bad.cut), rf"{MODEL}: not a model of this program .* {AGAIN}"),
    case(
        "a model of another version",
        "info",
        on(MODEL, bad.change_metadata, format=6),
        rf"{MODEL}: format 6, this program reads 2, 3, 4 and 5\. {AGAIN}",
    ),
    case(
        "an ensemble without networks",
        "info",
        on(MODEL, bad.change_metadata, format=5, model="ensemble", members=[]),
        rf"{MODEL}: not a model of this program \(members: should be a list of 2 to 64\)\. {AGAIN}",
    ),
    case(
        "a model of other classes",
        "predict",
        on(MODEL, bad.change_metadata, classes={"x": "#010101", "y": "#020202", "z": "#030303"}, ignore=None),
        rf"{MODEL}: its classes are not those of data\.classes .* {AGAIN}",
    ),
    case(
        "a model of more classes",
        "info",
        on(MODEL, bad.change_metadata, classes={"x": "#010101", "y": "#020202"}, ignore=None),
        rf"{MODEL}: weights do not fit baseline .* {AGAIN}",
    ),
    case(
        "a model of no ground resolution that can be",
        "info",
        on(MODEL, bad.change_metadata, resolution=-5),
        rf"{MODEL}: not a model of this program \(resolution = -5 is impossible\)\. {AGAIN}",
    ),
    case(
        "a model of a score above 1",
        "predict",
        on(MODEL, bad.change_metadata, score={"epoch": 1, "tile_mean_iou": 7}),
        rf"{MODEL}: not a model of this program \(score = .* is impossible\)\. {AGAIN}",
    ),
    case(
        "a model of data that are a text",
        "label",
        on(MODEL, bad.change_metadata, data="mine"),
        rf"{MODEL}: not a model of this program \(data = 'mine' is impossible\)\. {AGAIN}",
    ),
    case(
        "a ground resolution of 0",
        "prepare",
        set_param("data.resolution", 0),
        at_line("data.resolution = 0: should be"),
    ),
    case(
        "a ground resolution in words",
        "prepare",
        set_param("data.resolution", "near"),
        at_line("data.resolution = 'near': should be"),
    ),
    case("a pickle that would run code", "info", on(MODEL, bad.pickle_bomb), rf"{MODEL}: not a model .* {AGAIN}"),
    case(
        "a header of 2**60 bytes", "info", on(MODEL, bad.lie_about_header, 1 << 60), rf"{MODEL}: not a model .* {AGAIN}"
    ),
    case(
        "a header longer than the file", "info", on(MODEL, bad.lie_about_header, 10**7), rf"{MODEL}: not a m.* {AGAIN}"
    ),
    case(
        "a header that is too short", "info", on(MODEL, bad.lie_about_header, 40), rf"{MODEL}: not a model .* {AGAIN}"
    ),
    case(
        "weights that are no numbers",
        "label",
        on(MODEL, bad.change_weights, "decoder.4.bias", np.nan),
        rf"{MODEL}: weights are not finite numbers .* {AGAIN}",
    ),
    case(
        "weights beyond reason",
        "label",
        on(MODEL, bad.change_weights, "decoder.4.weight", 3e38),
        rf"{MODEL}: class probabilities are not finite numbers\. {AGAIN}",
    ),
    case("a folder as model", "info", replaced(MODEL), rf"{MODEL}: not a model of this program .* {AGAIN}"),
    case(
        "a model that may not be read",
        "info",
        on(MODEL, lambda path: path.chmod(0)),
        rf"{MODEL}: .*Permission denied",
        user=NOBODY,
    ),
    case(
        "a mean beyond floats",
        "info",
        on(MODEL, bad.change_metadata, mean=[10**400] * 3),
        rf"{MODEL}: not a model of this program .* {AGAIN}",
    ),
    case(
        "a deviation that rounds to nothing",
        "predict",
        on(MODEL, bad.change_metadata, std=[1e-320] * 3),
        rf"{MODEL}: not a model of this program .* {AGAIN}",
    ),
    case(
        "classes whose names are no text",
        "info",
        on(MODEL, bad.change_metadata, classes={"\ud800": "#010101", "b": "#020202", "c": "#030303"}, ignore=None),
        rf"{MODEL}: .* not printable",
    ),
    case("a pipe as model", "info", pipe(MODEL), rf"{MODEL}: not a model of this program .* {AGAIN}"),
]
OUTPUTS = [
    case(
        "no room to prepare",
        "prepare",
        lambda folder: None,
        rf"data/prepared: cannot be written \(File too large\)\. {ROOM}",
        limits={"RLIMIT_FSIZE": 1000},
    ),
    case(
        "no room for the model",
        "train",
        lambda folder: None,
        rf"[\w/.]+: cannot be written .*\. {ROOM}",
        limits={"RLIMIT_FSIZE": 1000},
    ),
    case(
        "no room for masks",
        "predict",
        lambda folder: None,
        rf"[\w/.-]+: cannot be written \(File too large\)\. {ROOM}",
        limits={"RLIMIT_FSIZE": 100},
    ),
    case(
        "no room for scores",
        "evaluate",
        lambda folder: None,
        rf"plots/\w+\.(csv|png): cannot be written \(File .*\. {ROOM}",
        limits={"RLIMIT_FSIZE": 20},
    ),
    case(
        "no room for maps",
        "label",
        lambda folder: None,
        rf"maps/a_mask\.png: cannot be written \(File .*\. {ROOM}",
        limits={"RLIMIT_FSIZE": 100},
    ),
    case(
        "a folder that may not be written",
        "label",
        on("maps", lambda path: path.chmod(0o555)),
        rf"maps/a_mask\.png: cannot be written \(Permission denied\)\. {ROOM}",
        user=NOBODY,
    ),
    case(
        "a stage that may not write",
        "prepare",
        on("data", lambda path: path.chmod(0o555)),
        rf"data/prepared: cannot be written \(Permission denied\)\. {ROOM}",
        user=NOBODY,
    ),
    case(
        "a file where masks should go",
        "label",
        replaced("maps", b"mine"),
        r"maps: a file is where this folder .* Move it",
    ),
    case(
        "a file where tiles should go",
        "prepare",
        replaced("data/prepared", b"mine"),
        rf"data/prepared: cannot be written \(Not a directory\)\. {ROOM}",
    ),
    case(
        "a file where scores should go",
        "evaluate",
        several(without("metrics"), replaced("metrics", b"mine")),
        r"metrics: a file is where this folder .* Move it",
    ),
    case(
        "a folder where scores should go",
        "evaluate",
        replaced("metrics/evaluate.json"),
        rf"metrics/evaluate\.json: cannot be written \(Is a directory\)\. {ROOM}",
    ),
]
LATER = [
    case("nothing to train on", "train", without("data/prepared"), r"data/prepared/dataset\.json: .*"),
    case(
        "cut tiles",
        "train",
        on("data/prepared/train/images.npy", bad.cut),
        r"data/prepared/train: .* python -m stages.prepare",
    ),
    case("a table less", "train", without("data/prepared/train/tiles.csv"), r"data/prepared/train.*"),
    *(
        case(what, "train", damage, r"data/prepared/train: missing or damaged .* python -m stages\.prepare")
        for what, damage in {
            "labels of no class": on("data/prepared/train/labels.npy", other_labels, 77),
            "other labels": on("data/prepared/train/labels.npy", other_labels, 1),
            "labels of other type": on("data/prepared/train/labels.npy", lambda p: np.save(p, np.load(p).astype(int))),
            "an archive as array": on("data/prepared/train/images.npy", lambda p: np.savez(p.open("wb"), a=[1])),
            "a pipe as table": pipe("data/prepared/train/tiles.csv"),
            "a table of other columns": replaced_in("data/prepared/train/tiles.csv", "pixels_forest", "pixels_forfst"),
            "a height beyond the tile": replaced_in("data/prepared/train/tiles.csv", "40,56", "999,999"),
            "a height that is no number": replaced_in("data/prepared/train/tiles.csv", "40,56", "xx,56"),
        }.items()
    ),
    case(
        "a scale that cannot be",
        "train",
        replaced_in("data/prepared/dataset.json", '"scale": 1.0', '"scale": -1'),
        r"data/prepared/dataset\.json: missing or damaged \(scale -1\)",
    ),
    case(
        "nothing known to learn from",
        "train",
        lambda folder: [
            several(
                on(f"data/prepared/{split}/labels.npy", lambda path: np.save(path, np.full_like(np.load(path), 255))),
                on(f"data/prepared/{split}/tiles.csv", nothing_known),
            )(folder)
            for split in ("train", "validation")
        ],
        "no pixel of the training data is of a known class. Check its masks",
    ),
    case(
        "a pipe as weights",
        "train",
        several(set_param("train.weights", "w.pth"), set_param("train.model", "fcn8s"), pipe("w.pth")),
        r"w\.pth: cannot be read \(no regular file\)",
    ),
    case(
        "weights that are no numbers to start from",
        "train",
        several(
            set_param("train.weights", "w.pth"),
            set_param("train.model", "fcn32s"),
            set_param("train.backbone", "mobilenet_v2"),
            on("w.pth", bad.weights_with_nan),
        ),
        r"w\.pth: weights are not finite numbers \(features\.0\.0\.weight\)\. Use others",
    ),
    case(
        "a checkpoint that may not be read",
        "train",
        lambda folder: bad.unreadable(folder / "checkpoints" / "train.pt"),
        r"checkpoints/train\.pt: Permission denied\. .* its permissions",
        user=NOBODY,
    ),
    case("too few rows", "train", on("data/prepared/train/tiles.csv", bad.cut), r"data/prepared/train: .*"),
    case("no data set", "train", replaced("data/prepared/dataset.json", b"{}"), r"data/prepared/dataset\.json: .*"),
    case(
        "no weights to start from",
        "train",
        several(set_param("train.weights", "gone.pth"), set_param("train.model", "fcn8s")),
        r"train\.weights = gone\.pth: no such file\. Set it to none",
    ),
    case(
        "weights that would run code",
        "train",
        several(set_param("train.weights", "w.pth"), set_param("train.model", "fcn8s"), on("w.pth", bad.pickle_bomb)),
        r"w\.pth: .*holds code.*\. Save the state dict alone\.",
    ),
    case(
        "an image that broke since",
        "predict",
        on(f"{V}/b_sat.png", bad.cut),
        rf"{V}/b_sat\.png: not readable to.* {REPLACE}",
    ),
    case(
        "images that broke since",
        "predict",
        several(on(f"{V}/a_sat.png", bad.cut), replaced(f"{V}/c_sat.png", b"")),
        rf"{V}/a_sat\.png: not readable to.* {REPLACE}",
        rf"{V}/c_sat\.png: {UNREADABLE}.* {REPLACE}",
    ),
    case("no images to label", "predict", without(f"{V}/*_sat.png"), rf"{V}: no NAME_sat\.jpg.* in it\. Add some"),
    case("no scores", "report", without("metrics/evaluate.json"), r"metrics/evaluate\.json: no such file\. .*"),
    case("no curves", "report", without("plots/training.csv"), r"plots/training\.csv: no such file\. .*"),
    case("scores cut", "report", on("metrics/evaluate.json", bad.cut), r"metrics/evaluate\.json: not written by .*"),
    case("a size of nothing", "report", set_param("report.megabytes", 0), at_line(r"report.megabytes = 0: should be")),
    case("confidence cut", "report", on("data/predictions/b_confidence.png", bad.cut), r".*b_confidence\.png: not .*"),
    case(
        "confidence of another size",
        "report",
        on("data/predictions/b_confidence.png", lambda path: Image.new("L", (9, 9)).save(path)),
        r"data/predictions/b_confidence\.png: its size and that of .* Make them equal\.",
    ),
    case("no predictions", "evaluate", without("data/predictions"), r"data/predictions: no such folder\. .*"),
    case(
        "a prediction less",
        "evaluate",
        without("data/predictions/b_mask.png"),
        rf"{V}/b_mask\.png: no mask of .* Add or",
    ),
    case(
        "a prediction too many",
        "evaluate",
        lambda folder: shutil.copy(folder / V / "a_mask.png", folder / "data/predictions/d_mask.png"),
        rf"data/predictions/d_mask\.png: no mask of this name in {V}\. Add or remove one\.",
    ),
    case(
        "a broken prediction",
        "evaluate",
        on("data/predictions/b_mask.png", bad.cut),
        r"data/predictions/b_mask\.png: not .*",
    ),
    case(
        "a prediction of other size",
        "evaluate",
        on("data/predictions/b_mask.png", lambda path: Image.new("RGB", (9, 9)).save(path)),
        r"data/predictions/b_mask\.png: its size and that of .* Make them equal\.",
    ),
    case(
        "a mask less", "score", without("data/predictions/b_mask.png"), rf"{V}/b_mask\.png: no mask of this name .* Add"
    ),
    case("no masks to compare", "compare", without("maps"), r"maps: no such folder\. .*"),
    case(
        "a broken pair",
        "validate",
        several(*(replaced(f"{V}/{name}_sat.png", b"") for name in "abc")),
        *[rf"{V}/\w_sat\.png: {UNREADABLE}"] * 3,
    ),
]
TIF = f"{T}/b_sat.tif"
BOTH = r"wanted: .*; the file has: .*"
RASTERS = [
    case(
        "a band that no file has",
        "prepare",
        rasters(bands=("red", "swir16")),
        *[r"data/\w+/[abc]_sat\.tif: .*swir16; wanted: red, swir16; the file has: .*1 .?blue.* 4 .?nir"] * 6,
    ),
    case("a file of fewer bands", "prepare", rasters(on(TIF, other_raster, 3), bands=(1, 4)), rf"{TIF}: .*4.* {BOTH}"),
    case(
        "a file of another type",
        "prepare",
        rasters(on(TIF, other_raster, dtype="float32"), bands=(1, 2, 3, 4)),
        rf"{TIF}: its pixels are float32, those of a_sat\.tif uint16\. Convert all to one type\.",
    ),
    case(
        "validation images of another type",
        "prepare",
        rasters(
            *(
                (lambda folder, name=name: draw_raster_pair(folder / V, name, dtype="uint8", size=(40, 56)))
                for name in "abc"
            )
        ),
        *[rf"{V}/[abc]_sat\.tif: its pixels are uint8, those of the training images uint16\. Convert all"] * 3,
    ),
    case(
        "a file without data",
        "prepare",
        rasters(on(TIF, other_raster, value=7, nodata=7), bands=(1, 2)),
        rf"{TIF}: no pixel has data\. Remove the pair, or choose other data\.bands\.",
    ),
    case(
        "a band of which nothing is a number",
        "prepare",
        rasters(on(TIF, no_number_in_a_band), dtype="float32", bands=(1, 3)),
        rf"{TIF}: no pixel of the band band 3 has data\. Remove the pair, or choose other data\.bands\.",
    ),
    case(
        "complex numbers",
        "prepare",
        rasters(on(TIF, other_raster, dtype="complex64"), bands=(1,)),
        rf"{TIF}: its pixels are complex numbers\. Convert them",
    ),
    case(
        "a palette",
        "prepare",
        rasters(on(TIF, other_raster, 1, dtype="uint8", photometric="palette"), dtype="uint8", bands=(1,)),
        rf"{TIF}: its pixels are indices into a palette\. Make colours of them",
    ),
    case(
        "more bands than three without a choice",
        "prepare",
        rasters(bands=None),
        *[r"data/\w+/[abc]_sat\.tif: not readable as an image \(.*; in the pipeline, data\.bands chooses the bands"]
        * 6,
    ),
    case(
        "normalisation for other images",
        "prepare",
        rasters(set_param("data.normalisation", "imagenet")),
        r"data\.normalisation = imagenet: is for red, green and blue of 8 bits, not for red, nir of uint16\. Set it to "
        r"dataset\.",
    ),
]
CASES = [*IMAGES, *PARAMS, *MODELS, *OUTPUTS, *LATER, *RASTERS]
