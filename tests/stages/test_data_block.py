"""The layouts of pairs, and the classes of masks, as the block `data` names them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import TABLE, read_table
from PIL import Image

from landcover.classes.colours import hex_colour
from landcover.images.image_files import read_packed
from landcover.system.errors import LandcoverError, Problems
from stages import evaluate, predict, prepare, train
from stages.common.data_block import Data
from stages.common.params import read_block

SPLITS = ("train", "validation")


def into_folders(root="data", tile="Tile 1", ending=""):
    """Turn the pairs of a split folder into images/ and masks/ below a sub-folder."""
    for split in SPLITS:
        for kind, suffix in (("image", "sat"), ("mask", "mask")):
            folder = Path(root, split, tile, f"{kind}s")
            folder.mkdir(parents=True)
            for path in Path(root, split).glob(f"*_{suffix}.png"):
                path.rename(folder / path.name.replace(f"_{suffix}", ending if kind == "mask" else ""))


def class_list(codes=False):
    """A list of classes as labelling tools write it."""
    colours = {**TABLE.colours, "Unlabeled": (0, 0, 0)}
    items = [{"title": name, "shape": "polygon", "color": hex_colour(colour)} for name, colour in colours.items()]
    return [item | ({"id": 10 * i} if codes else {}) for i, item in enumerate(items, 1)]


def samples(split):
    data, problems = read_block("data", Data), Problems()
    found = data.samples(split, problems)
    problems.raise_any()
    assert found.keys() == data.images(split).keys()
    return list(found)


def test_images_and_masks_in_folders_with_a_list_of_classes_go_through_the_pipeline(project):
    into_folders()
    Path("data/classes.json").write_text(json.dumps({"classes": class_list()}))
    project(data={"layout": "folders", "classes": "classes.json", "ignore": "Unlabeled"})
    for stage in (prepare, train, predict, evaluate):
        stage.main()
    names = [f"Tile 1_{name}" for name in ("a", "b", "c")]
    assert [path.stem for path in sorted(predict.PREDICTIONS.glob("*_mask.png"))] == [f"{name}_mask" for name in names]
    assert json.loads(Path("metrics/evaluate.json").read_text())["iou"].keys() == TABLE.colours.keys()


def test_masks_of_codes_give_the_same_tiles_and_scores_as_colours(project):
    scores = {}
    for masks in ("colours", "codes"):
        if masks == "codes":
            for path in [*Path("data/train").glob("*_mask.png"), *Path("data/validation").glob("*_mask.png")]:
                labels, _ = TABLE.decode(read_packed(path))
                Image.fromarray(labels * 10 + 10).save(path)
        classes = {
            name: {"colour": hex_colour(colour), "codes": 10 * code}
            for code, (name, colour) in enumerate(TABLE.colours.items(), 1)
        }
        project(data={"masks": masks, "classes": classes, "ignore": None})
        prepare.main()
        if masks == "colours":
            train.main()
            predict.main()
        evaluate.main()
        tiles = [np.load(f"data/prepared/{split}/labels.npy") for split in SPLITS]
        scores[masks] = (read_table("plots/confusion.csv"), [tile.tolist() for tile in tiles])
    assert scores["colours"] == scores["codes"]


def test_codes_of_no_class_stop_the_preparation_and_a_few_are_noted(project, capsys):
    for path in [*Path("data/train").glob("*_mask.png"), *Path("data/validation").glob("*_mask.png")]:
        Image.fromarray(np.full((40, 56), 7, np.uint8)).save(path)
    classes = {"a": {"colour": "#000001", "codes": [1]}, "b": {"colour": "#000002", "codes": [2, 3]}}
    project(data={"masks": "codes", "classes": classes, "ignore": None})
    with pytest.raises(LandcoverError, match=r"a_mask\.png: 100\.00% of the pixels have codes of no class: 7 \(2240\)"):
        prepare.main()
    project(prepare={"max_off_palette": 1.0})
    prepare.main()
    assert "13440 mask pixels have codes of no class and count as unknown" in capsys.readouterr().err
    project(data={"classes": {"a": "#000001", "b": "#000002"}})
    with pytest.raises(LandcoverError, match="'a' has no codes, by which `masks`: codes tells the classes"):
        prepare.main()


def test_the_validation_folder_may_be_called_val(project):
    Path("data/validation").rename("data/val")
    assert samples("validation") == ["a", "b", "c"]
    Path("data/validation").mkdir()
    with pytest.raises(LandcoverError, match=r"data: both validation/ and val/ are there"):
        samples("validation")


def test_scenes_are_held_out_of_the_training_folder_or_of_all(project):
    project(data={"split": "scene", "holdout": 3})
    assert samples("validation") == ["c"]
    for path in Path("data/train").iterdir():
        path.rename(Path("data", path.name))
    shutil.rmtree("data/train")
    assert (samples("train"), samples("validation")) == (["a", "b"], ["c"])
    project(data={"holdout": 4})
    with pytest.raises(LandcoverError, match=r"data\.holdout = 4: data has only 3 images\. Lower it"):
        samples("validation")


def test_all_tiles_of_a_folder_may_be_split(project):
    into_folders(tile="t1", ending="_label")
    project(
        data={"layout": "folders", "split": "scene", "holdout": 2, "suffixes": ["", "_label"], "root": "data/train"}
    )
    assert (samples("train"), samples("validation")) == (["t1_a", "t1_c"], ["t1_b"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"holdout": 3}, r"data\.holdout = 3: is not for split: folder\. Add -S data\.split=scene, or set this to 0"),
        ({"suffixes": ["_a", "_a"]}, r"data\.suffixes = \['_a', '_a'\]: tell no image from a mask"),
        ({"suffixes": ["_a"]}, r"data\.suffixes = \['_a'\]: should be null, or the endings of images and masks"),
        ({"layout": "heap"}, r"data\.layout = 'heap': should be one of pairs, folders, scenes"),
        ({"root": "s3://u:word@box/a?key=1"}, r"data\.root = s3://box/a: a URL\. Copy the data by dvc import-url"),
        ({"classes": "../c.json"}, r"data\.classes = '\.\./c\.json': should be below root, on which the stages"),
        ({"labels": "/tmp/l.gpkg"}, r"data\.labels = '/tmp/l\.gpkg': should be below root"),
        ({"masks": "heap"}, r"data\.masks = 'heap': should be one of colours, codes"),
        ({"classes": {"a": {"colour": "#000000", "codes": 1}, "b": {"colour": "#000001", "codes": [2, 1]}}},
         r"data\.classes: 'a' and 'b' share the code 1"),
        ({"classes": {"a": {"color": "#000000"}}}, r"data\.classes\.a = \{'color': '#000000'\}: should be a colour"),
        ({"classes": {"a": {"colour": "#000000", "codes": 10**30}}}, r"data\.classes\.a = .*: should have whole"),
        ({"classes": {"a": {"colour": "red"}}}, r"data\.classes\.a = \{'colour': 'red'\}: should be a colour"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(project, data, message):
    project(data={"ignore": None, **data})
    with pytest.raises(LandcoverError, match=rf"^params\.yaml: {message}") as error:
        read_block("data", Data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "ignore", "message"),
    [
        (None, None, r"data/c\.json: no such file"),
        (
            class_list(),
            "unknown",
            r"data\.ignore = 'unknown' should be null or one of .*Unlabeled, which data/c",
        ),
        ({"classes": class_list(), "ignore": "water"}, None, r"data\.ignore = null: data/c\.json ignores water\. Make"),
        ([{"name": "a", "color": "#000000"}], None, r"data/c\.json: 1 classes besides the ignored one: 2 to 253"),
    ],
)
def test_a_list_of_classes_that_does_not_fit_is_one_line(project, content, ignore, message):
    if content is not None:
        Path("data/c.json").write_text(json.dumps(content))
    project(data={"classes": "c.json", "ignore": ignore})
    data = read_block("data", Data)
    with pytest.raises(LandcoverError, match=message) as error:
        data.table()
    assert "\n" not in str(error.value)
