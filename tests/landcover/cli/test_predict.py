import subprocess
import sys

import geopandas
import numpy as np
import pytest
import rasterio
from conftest import landcover, landcover_process, write_geotiff

from landcover.classes.class_table import ClassTable
from landcover.images.image_files import read_rgb, save_png
from landcover.inference import prediction
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import Model, load_model, save_model


def test_predict_takes_folders_and_single_images(model_file, pairs, tmp_path):
    (pairs / "0001_sat.png").rename(tmp_path / "town.png")
    done = landcover("predict", "pairs", "town.png", "-m", "m.safetensors", "-o", "out/maps", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    sizes = {path.name: read_rgb(path).shape[:2] for path in (tmp_path / "out" / "maps").iterdir()}
    assert sizes == {"0000_mask.png": (40, 40), "town_mask.png": (33, 57), "0002_mask.png": (70, 21)}


def test_a_folder_of_plain_images_and_an_unexpanded_pattern_will_do(model_file, pairs, tmp_path):
    for path in pairs.glob("*_sat.png"):
        path.rename(path.with_name(path.name.replace("_sat", "")))
    arguments = ("-m", "m.safetensors", "-o")
    assert landcover("predict", "pairs", *arguments, "a", folder=tmp_path).stdout == "a: 3 masks\n"
    assert landcover("predict", "**/000[02].png", *arguments, "b", "-q", folder=tmp_path).stdout == ""
    masks = [sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in ("a", "b")]
    assert masks == [["0000_mask.png", "0001_mask.png", "0002_mask.png"], ["0000_mask.png", "0002_mask.png"]]


def test_masks_that_are_there_are_kept_unless_overwritten(model_file, pairs, tmp_path):
    arguments = ("predict", "pairs", "-m", "m.safetensors", "-o", "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0001_mask.png").write_bytes(b"mine")
    done = landcover(*arguments, folder=tmp_path)
    assert done.stdout == "out: 2 masks; 1 kept (--overwrite draws them again)\n"
    assert (tmp_path / "out" / "0001_mask.png").read_bytes() == b"mine"
    assert landcover(*arguments, "--overwrite", folder=tmp_path).stdout == "out: 3 masks\n"
    assert read_rgb(tmp_path / "out" / "0001_mask.png").shape == (33, 57, 3)


def test_broken_images_are_listed_and_the_others_labelled(model_file, pairs, tmp_path):
    (pairs / "0000_sat.png").write_bytes(b"no image")
    whole = (pairs / "0002_sat.png").read_bytes()
    (pairs / "0002_sat.png").write_bytes(whole[: len(whole) // 2])
    done = landcover("predict", "pairs", "none.jpg", "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "out: 1 masks\n")
    named = [line.removeprefix("error: ").split(":")[0] for line in done.stderr.splitlines()]
    assert named == ["pairs/0000_sat.png", "pairs/0002_sat.png", "none.jpg"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001_mask.png"]


def test_the_windows_are_those_asked_for(model_file, classes, tmp_path):
    image = np.random.default_rng(0).integers(256, size=(80, 150, 3), dtype=np.uint8)
    save_png(image, tmp_path / "a.png")
    tiled = ("--window", "64", "--overlap", "0.5", "--batch-size", "2", "--tta", "flip")
    done = landcover("predict", "a.png", "-m", "m.safetensors", "-o", "out", *tiled, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = load_model(tmp_path / "m.safetensors")
    labels = prediction.label_image(loaded, image, InferenceOptions(tta="flip", window=64, overlap=0.5, batch_size=2))
    assert (read_rgb(tmp_path / "out" / "a_mask.png") == classes.encode(labels)).all()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["*.bmp"], 1, "error: *.bmp: no file matches."),
        (["a.png", "other/a_sat.png"], 1, "error: other/a_sat.png: a.png has the same name."),
        (["a.png", "--polygons", "a.gpkg"], 1, "error: a.png: --polygons works for GeoTIFFs only."),
        (["a.png", "--bands", "3,2,1"], 1, "error: a.png: --bands works for GeoTIFFs only."),
        (["a.tif", "--format", "png", "--stretch", "2,98"], 1, "error: a.tif: --stretch works for GeoTIFFs only."),
        (["a.tif", "b.tif", "--polygons", "a.gpkg"], 1, "error: --polygons a.gpkg: for a single image, not 2."),
        (["a.tif", "--polygons", "a.shp"], 2, "'--polygons': a.shp: give a file name that ends in .gpkg or .geojson."),
        (["a.tif", "--bands", ",2"], 2, "'--bands': ,2: give numbers from 1, such as 3,2,1, or names"),
        (["a.tif", "--bands", "0,1,2"], 2, "'--bands': 0,1,2: give numbers from 1"),
        (["a.tif", "--bands", "1,"], 2, "'--bands': 1,: give numbers"),
        (["a.tif", "--stretch", "98,2"], 2, "'--stretch': 98,2: give image, or two rising percentiles"),
        (["a.tif", "--stretch", "2"], 2, "'--stretch': 2: give image, or two rising percentiles"),
    ],
)
def test_predict_says_what_is_wrong(arguments, code, message, tmp_path):
    done = landcover("predict", *arguments, "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_an_error_is_one_line(model_file, tmp_path):
    done = landcover_process("predict", "nowhere.jpg", "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert "nowhere.jpg" in done.stderr


@pytest.fixture
def scene(tmp_path):
    """A GeoTIFF `scene.tif` of four bands, the first without data in its first ten rows."""
    pixels = np.random.default_rng(0).integers(1, 256, size=(4, 90, 70), dtype=np.uint8)
    pixels[:, :10] = 0
    return write_geotiff(tmp_path / "scene.tif", pixels, nodata=0)


def test_a_geotiff_becomes_a_geotiff_and_polygons(model_file, classes, scene, tmp_path):
    extra = ("--bands", "4,3,2", "--window", "64", "--polygons", "scene.gpkg", "--probabilities")
    done = landcover("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", *extra, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    frame = geopandas.read_file(tmp_path / "scene.gpkg")
    assert done.stdout == f"scene.gpkg: {len(frame)} polygons\nout: 1 masks\n"
    labels = prediction.label_image(
        load_model(model_file), scene[[3, 2, 1]].transpose(1, 2, 0), InferenceOptions(window=64)
    )
    with rasterio.open(tmp_path / "out" / "scene_mask.tif") as file:
        assert (file.read(1)[10:] == labels[10:]).all()
        assert (file.read(1)[:10] == file.nodata).all()
        assert file.crs == "EPSG:32633"
    assert set(frame["class"]) <= set(classes.names)
    assert frame["area_m2"].sum() == pytest.approx(80 * 70 * 100, rel=0.002)
    with rasterio.open(tmp_path / "out" / "scene_probabilities.tif") as file:
        assert file.descriptions == tuple(classes.names)


def test_the_format_can_be_chosen(model_file, scene, pairs, tmp_path):
    rgb = write_geotiff(tmp_path / "rgb.tif", scene[:3]).transpose(1, 2, 0)
    arguments = ("-m", "m.safetensors", "-o", "out")
    assert landcover("predict", "rgb.tif", *arguments, "--format", "png", folder=tmp_path).returncode == 0
    labels = prediction.label_image(load_model(model_file), rgb)
    assert (read_rgb(tmp_path / "out" / "rgb_mask.png") == load_model(model_file).classes.encode(labels)).all()
    assert landcover("predict", "pairs/0000_sat.png", *arguments, "--format", "cog", folder=tmp_path).returncode == 0
    with rasterio.open(tmp_path / "out" / "0000_mask.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.shape == (40, 40)


def test_broken_geotiffs_are_listed_and_the_other_images_labelled(model_file, scene, pairs, tmp_path):
    (pairs / "broken.tif").write_bytes(b"II*\0")
    arguments = ("-m", "m.safetensors", "-o", "out")
    done = landcover("predict", "pairs/broken.tif", "scene.tif", "pairs/0000_sat.png", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "out: 2 masks\n")
    assert done.stderr.startswith("error: pairs/broken.tif: not readable as an image")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "0000_mask.png",
        "scene_mask.qml",
        "scene_mask.tif",
        "scene_mask.tif.aux.xml",
    ]


def test_probabilities_of_an_image_are_an_array(model_file, pairs, tmp_path):
    arguments = ("predict", "pairs", "-m", "m.safetensors", "-o", "out")
    landcover(*arguments, folder=tmp_path)
    done = landcover(*arguments, "--probabilities", folder=tmp_path)
    assert done.stdout == "out: 3 masks\n"  # drawn again, as their probabilities did not exist
    values = np.load(tmp_path / "out" / "0001_probabilities.npy")
    assert (values.shape, values.dtype) == ((3, 33, 57), np.float32)
    classes = load_model(model_file).classes
    assert (classes.encode(values.argmax(0).astype(np.uint8)) == read_rgb(tmp_path / "out" / "0001_mask.png")).all()
    assert np.allclose(values.sum(0), 1, atol=1e-5)
    assert landcover(*arguments, "--probabilities", folder=tmp_path).stdout.startswith("out: 0 masks; 3 kept")


def test_confidence_comes_with_the_masks_and_changes_none(model_file, pairs, scene, tmp_path):
    arguments = ("predict", "pairs", "scene.tif", "-m", "m.safetensors", "--bands", "1,2,3", "--format", "gtiff")
    landcover(*arguments, "-o", "alone", folder=tmp_path)
    done = landcover(*arguments, "-o", "out", "--confidence", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "out: 4 masks\n"), done.stderr
    for name in ("0000", "0001", "0002", "scene"):
        mask = f"{name}_mask.tif"
        assert (tmp_path / "out" / mask).read_bytes() == (tmp_path / "alone" / mask).read_bytes()
        with (
            rasterio.open(tmp_path / "out" / mask) as file,
            rasterio.open(tmp_path / f"out/{name}_confidence.tif") as sure,
        ):
            assert file.shape == sure.shape
            assert ((file.read(1) == file.nodata) == (sure.read(1) == 0)).all()
    (tmp_path / "out" / "0001_confidence.tif").unlink()
    assert "out: 1 masks; 3 kept" in landcover(*arguments, "-o", "out", "--confidence", folder=tmp_path).stdout
    assert (tmp_path / "out" / "0001_confidence.tif").is_file()


def test_what_was_written_into_the_folder_of_the_images_is_not_taken_for_an_image(model_file, tmp_path):
    (tmp_path / "scenes").mkdir()
    write_geotiff(tmp_path / "scenes" / "a.tif", np.full((3, 40, 30), 9, np.uint8))
    arguments = ("predict", "scenes", "-m", "m.safetensors", "-o", "scenes", "--probabilities", "--confidence")
    assert landcover(*arguments, folder=tmp_path).stdout == "scenes: 1 masks\n"
    assert landcover(*arguments, folder=tmp_path).stdout.startswith("scenes: 0 masks; 1 kept")


def test_polygons_of_a_map_that_is_there_are_drawn_from_it(model_file, scene, tmp_path):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", "out")
    landcover(*arguments, folder=tmp_path)
    done = landcover(*arguments, "--polygons", "scene.geojson", folder=tmp_path)
    assert "scene.geojson: " in done.stdout
    assert "out: 0 masks; 1 kept" in done.stdout
    assert "polygons" not in landcover(*arguments, "--polygons", "scene.geojson", folder=tmp_path).stdout


def other_scene(folder):
    write_geotiff(
        folder / "other" / "scene.tif", np.random.default_rng(1).integers(256, size=(3, 64, 64), dtype=np.uint8)
    )


@pytest.mark.parametrize("name", ["scene.gpkg", "scene.geojson"])
def test_polygons_of_another_run_are_drawn_anew(model_file, scene, tmp_path, name):
    (tmp_path / "other").mkdir()
    other_scene(tmp_path)
    arguments = ("-m", "m.safetensors", "--polygons", name)
    assert landcover("predict", "other/scene.tif", *arguments, "-o", "there", folder=tmp_path).returncode == 0
    assert landcover("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", folder=tmp_path).returncode == 0
    done = landcover("predict", "scene.tif", *arguments, "-o", "out", folder=tmp_path)
    assert "out: 0 masks; 1 kept" in done.stdout
    assert f"{name}: " in done.stdout
    assert geopandas.read_file(tmp_path / name)["area_m2"].sum() == pytest.approx(80 * 70 * 100, rel=0.002)


def test_classes_of_polygons_are_those_of_the_map_and_not_of_the_model(model_file, classes, scene, tmp_path):
    assert landcover("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", folder=tmp_path).returncode == 0
    model = load_model(model_file)
    renamed = ClassTable({f"{name} 2": colour for name, colour in classes.colours.items()})
    save_model(Model(model.network, renamed, 1.0), tmp_path / "renamed.safetensors")
    arguments = ("-m", "renamed.safetensors", "-o", "out", "--polygons", "scene.gpkg")
    assert landcover("predict", "scene.tif", *arguments, folder=tmp_path).returncode == 0
    assert set(geopandas.read_file(tmp_path / "scene.gpkg")["class"]) <= set(classes.names)


def test_polygons_are_reduced_if_asked_for_and_drawn_again_with_other_options(model_file, scene, tmp_path):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", "--polygons", "scene.gpkg")
    assert landcover(*arguments, folder=tmp_path).returncode == 0
    everything = geopandas.read_file(tmp_path / "scene.gpkg")
    more = ("--min-area", 30_000, "--simplify", 15)
    assert "scene.gpkg: " in landcover(*arguments, *more, folder=tmp_path).stdout
    frame = geopandas.read_file(tmp_path / "scene.gpkg")
    assert len(frame) < len(everything)
    assert frame["area_m2"].sum() == pytest.approx(everything["area_m2"].sum())
    assert "scene.gpkg: " not in landcover(*arguments, *more, folder=tmp_path).stdout
    assert "scene.gpkg: " in landcover(*arguments, folder=tmp_path).stdout


@pytest.mark.parametrize("option", ["--min-area", "--simplify"])
def test_options_of_polygons_need_polygons_and_numbers_above_0(model_file, scene, tmp_path, option):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", option)
    done = landcover(*arguments, 5, folder=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        f"error: {option} 5: is for polygons. Add --polygons FILE, or remove it.\n",
    )
    for value in ("0", "-1", "nan", "inf", "x"):
        assert landcover(*arguments, value, "--polygons", "a.gpkg", folder=tmp_path).returncode == 2
    assert not (tmp_path / "out").exists()


def folder_at(path):
    path.unlink()
    path.mkdir()


def label_beyond(path):
    with rasterio.open(path, "r+") as file:
        file.write(np.full((1, 1, 1), 7, np.uint8), window=((5, 6), (5, 6)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"junk"), "not readable"),
        (folder_at, "Is a directory"),
        (label_beyond, "has the label 7"),
        (lambda path: write_geotiff(path, np.zeros((1, 9, 9), np.uint8)), "no tag CLASS_NAMES"),
    ],
)
def test_polygons_of_a_map_that_is_none_are_one_error(model_file, scene, tmp_path, damage, message):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", "--polygons", "scene.gpkg")
    assert landcover(*arguments, folder=tmp_path).returncode == 0
    before = (tmp_path / "scene.gpkg").read_bytes()
    damage(tmp_path / "out" / "scene_mask.tif")
    done = landcover(*arguments, folder=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error: out/scene_mask.tif: ")
    assert message in done.stderr
    assert (tmp_path / "scene.gpkg").read_bytes() == before


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
@pytest.mark.parametrize("name", ["scene.gpkg", "scene.geojson"])
def test_polygons_never_replace_what_is_not_theirs(model_file, scene, tmp_path, name, more):
    (tmp_path / name).write_bytes(b"mine")
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", "out", "--polygons", name)
    done = landcover(*arguments, *more, folder=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(f"error: {name}: not polygons that this program wrote. Name another file")
    assert (tmp_path / name).read_bytes() == b"mine"
    assert not (tmp_path / "out").exists()  # no hours of work before


def test_polygons_never_replace_the_input(model_file, scene, tmp_path):
    with rasterio.open(
        tmp_path / "scene.gpkg", "w", driver="GPKG", count=3, height=90, width=70, dtype="uint8"
    ) as file:
        file.write(scene[:3])
    before = (tmp_path / "scene.gpkg").read_bytes()
    (tmp_path / "link.gpkg").symlink_to("scene.gpkg")
    (tmp_path / "twin.gpkg").hardlink_to(tmp_path / "scene.gpkg")
    for name in ("scene.gpkg", "link.gpkg", "twin.gpkg"):
        extra = ("--format", "gtiff", "--polygons", name, "--overwrite")
        done = landcover("predict", "scene.gpkg", "-m", "m.safetensors", "-o", "out", *extra, folder=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {name}: ")
        assert (tmp_path / "scene.gpkg").read_bytes() == before


def test_without_rasterio_a_line_says_what_to_install(scene, tmp_path):
    code = "import sys; sys.modules['rasterio'] = None; from landcover.cli import main; main.main()"
    command = [sys.executable, "-c", code, "predict", "scene.tif", "-m", "m.safetensors", "-o", "out"]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "error: GeoTIFFs need the package rasterio. Install what this program was tested with: "
        "pip install -r requirements-extras.txt (or, unpinned: pip install '.[geo]')\n"
    )


def test_of_one_image_the_output_may_be_a_file(model_file, scene, tmp_path):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o")
    done = landcover(*arguments, "new/map.tif", "--probabilities", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "new/map.tif: 1 masks\n"), done.stderr
    assert sorted(path.name for path in (tmp_path / "new").glob("*.tif")) == ["map.tif", "map_probabilities.tif"]
    assert landcover(*arguments, "map.png", "--probabilities", folder=tmp_path).returncode == 0
    assert read_rgb(tmp_path / "map.png").shape == (90, 70, 3)
    assert (tmp_path / "map_probabilities.npy").is_file()
    assert landcover(*arguments, "cog.tif", "--format", "cog", folder=tmp_path).returncode == 0
    with rasterio.open(tmp_path / "cog.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert "1 kept" in landcover(*arguments, "cog.tif", folder=tmp_path).stdout


def test_an_output_that_cannot_be_is_one_line_and_no_folder(model_file, scene, tmp_path):
    before = sorted(tmp_path.iterdir())
    for output, more in (("out.jpg", ()), ("out.png", ("--format", "cog")), ("out.tif", ("--format", "png"))):
        done = landcover("predict", "scene.tif", "-m", "m.safetensors", "-o", output, *more, folder=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"error: {output}: not ")
    write_geotiff(tmp_path / "other.tif", np.zeros((3, 9, 9), np.uint8))
    done = landcover("predict", "scene.tif", "other.tif", "-m", "m.safetensors", "-o", "out.tif", folder=tmp_path)
    assert done.stderr == "error: out.tif: one file for 2 maps. Name a folder.\n"
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "other.tif"])


def test_a_map_in_the_folder_of_its_image_is_drawn_once(model_file, scene, tmp_path):
    arguments = ("predict", "scene.tif", "-m", "m.safetensors", "-o", ".")
    assert landcover(*arguments, folder=tmp_path).stdout == ".: 1 masks\n"
    first = (tmp_path / "scene_mask.tif").read_bytes()
    assert landcover(*arguments, folder=tmp_path).stdout.startswith(".: 0 masks; 1 kept")
    done = landcover(*arguments, "--overwrite", folder=tmp_path)
    assert done.stderr.startswith("error: scene_mask.tif: exists already, in the folder of the images")
    assert (tmp_path / "scene_mask.tif").read_bytes() == first
