import hashlib
import os

import numpy as np
import pytest
import rasterio
import torch
from conftest import write_geotiff

from landcover.geo.maps import predict_map
from landcover.images.image_spec import ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.rasters.scenes import Scene
from landcover.scale.maps import blocks_folder, predict_map_on, predict_scenes_on
from landcover.system.errors import LandcoverError
from landcover.system.scratch import exclusive

OPTIONS = InferenceOptions(window=64)
SIZE = (150, 230)  # two rows of three blocks
BLOCK = 96  # smaller than a user may choose, to be quick


@pytest.fixture
def model(model_file):
    return for_inference(load_model(model_file), torch.device("cpu"))


@pytest.fixture
def scene(tmp_path):
    """A scene of six blocks, part of which has no data."""
    return draw_scene(tmp_path / "s.tif", *SIZE)


def draw_scene(path, height, width, bands=3, kind=np.uint8):
    rng = np.random.default_rng(0)
    coarse = rng.integers(1, 255, (bands, height // 5 + 1, width // 5 + 1))
    pixels = coarse.repeat(5, 1).repeat(5, 2)[:, :height, :width].astype(kind)
    pixels[:, : height // 3, width // 3 : width // 2] = 0
    write_geotiff(path, pixels, nodata=0)
    return path


def digests(*paths):
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("cog", [False, True])
def test_workers_write_the_bytes_of_a_single_process(cluster, model, scene, tmp_path, cog):
    made = {}
    for folder, draw in (("one", predict_map), ("many", None)):
        (tmp_path / folder).mkdir()
        map_path, *others = paths = [tmp_path / folder / f"s_{kind}.tif" for kind in ("mask", "confidence", "p")]
        layers = {"confidence": others[0], "probabilities": others[1]}
        if draw:
            draw(model, scene, map_path, OPTIONS, cog=cog, **layers)
        else:
            counts = predict_map_on(cluster, model, scene, map_path, OPTIONS, block=BLOCK, cog=cog, **layers)
        made[folder] = digests(*paths, map_path.with_suffix(".qml"), map_path.with_name("s_mask.tif.aux.xml"))
    assert made["one"] == made["many"]
    assert files_of(tmp_path / "one") == files_of(tmp_path / "many")
    with rasterio.open(map_path) as file:
        labels, found = np.unique(file.read(1), return_counts=True)
    assert counts.pixels == dict(zip(labels.tolist(), found.tolist(), strict=True))
    assert str(counts) == "6 blocks"


def test_a_scene_of_one_block_and_of_one_window(cluster, model, tmp_path):
    scene = draw_scene(tmp_path / "s.tif", 90, 64)
    for options in (OPTIONS, InferenceOptions(window=96, tta="flip")):
        predict_map(model, scene, tmp_path / "one.tif", options)
        assert str(predict_map_on(cluster, model, scene, tmp_path / "many.tif", options, block=BLOCK)) == "1 block"
        assert len({*digests(tmp_path / "one.tif", tmp_path / "many.tif")}) == 1


def test_a_model_of_coarser_pixels_and_of_other_bands_in_files_of_their_own(cluster, model, classes, tmp_path):
    bands = ("red", "green", "blue", "nir")
    images = ImageSpec(bands, "uint16", (0.4,) * 4, (0.2,) * 4, (0,) * 4, (255,) * 4)
    network = build(Architecture("fcn8s", "resnet18"), len(classes), images)
    save_model(Model(network, classes, 0.5), tmp_path / "bands.safetensors")
    model = for_inference(load_model(tmp_path / "bands.safetensors"), torch.device("cpu"))
    files = [tmp_path / f"s_B{number:02d}.tif" for number in (2, 3, 4, 8)]
    for file in files:
        draw_scene(file, 150, 101, 1, np.uint16)
    scene = Scene("s", tuple(files))
    options = {"bands": [3, 2, 1, 4], "cog": True}
    predict_map(model, scene, tmp_path / "one.tif", OPTIONS, **options)
    predict_map_on(cluster, model, scene, tmp_path / "many.tif", OPTIONS, block=BLOCK, **options)
    assert len({*digests(tmp_path / "one.tif", tmp_path / "many.tif")}) == 1


def stop_early(cluster, model, scene, path, monkeypatch, **options):
    """Draw until the map itself cannot be written, which leaves the blocks."""
    with monkeypatch.context() as patch:
        patch.setattr("landcover.geo.maps.write_geotiff", full_disk)
        with pytest.raises(LandcoverError, match="disk is full"):
            predict_map_on(cluster, model, scene, path, OPTIONS, block=BLOCK, **options)


def full_disk(path, strips, *_):
    for _ in strips:
        pass
    raise LandcoverError("the disk is full")


def test_finished_blocks_are_kept_and_damaged_ones_drawn_again(cluster, model, scene, tmp_path, monkeypatch, capsys):
    predict_map(model, scene, tmp_path / "one.tif", OPTIONS)
    path = tmp_path / "s_mask.tif"
    stop_early(cluster, model, scene, path, monkeypatch)
    assert "s_mask.blocks: 6 of 6 blocks of s.tif are finished and stay there" in capsys.readouterr().err
    folder = blocks_folder(path)
    blocks = sorted(folder.glob("r*.tif"))
    blocks[0].unlink()
    with rasterio.open(blocks[2], "r+") as file:
        file.write(255 - file.read())
    os.truncate(blocks[4], blocks[4].stat().st_size // 2)
    (folder / ".partial-r0000_c0000-killed.tif").write_bytes(b"half")
    inodes = {name: name.stat().st_ino for name in (blocks[1], blocks[3], blocks[5])}
    with monkeypatch.context() as patch:
        patch.setattr("landcover.scale.maps.remove_blocks", lambda _: None)
        counts = predict_map_on(cluster, model, scene, path, OPTIONS, block=BLOCK)
    assert str(counts) == "6 blocks (3 kept)"
    assert {name: name.stat().st_ino for name in inodes} == inodes
    assert digests(path) == digests(tmp_path / "one.tif")
    predict_map_on(cluster, model, scene, path, OPTIONS, block=BLOCK)
    assert not folder.exists()


def test_blocks_of_other_options_are_not_used(cluster, model, scene, tmp_path, monkeypatch, capsys):
    path, other = tmp_path / "s_mask.tif", InferenceOptions(window=96)
    stop_early(cluster, model, scene, path, monkeypatch)
    assert str(predict_map_on(cluster, model, scene, path, other, block=BLOCK)) == "6 blocks"
    assert "s_mask.blocks: has 6 blocks of other options, another model or another" in capsys.readouterr().err
    predict_map(model, scene, tmp_path / "one.tif", other)
    assert digests(path) == digests(tmp_path / "one.tif")
    assert not blocks_folder(path).exists()


def test_what_others_keep_in_the_folder_of_the_blocks_stays(cluster, model, scene, tmp_path):
    path = tmp_path / "s_mask.tif"
    blocks_folder(path).mkdir()
    (blocks_folder(path) / "mine.txt").write_text("mine")
    predict_map_on(cluster, model, scene, path, OPTIONS, block=2 * BLOCK)
    assert files_of(blocks_folder(path)) == ["mine.txt"]


def test_a_block_that_cannot_be_drawn_is_named_and_all_others_finished(cluster, model, scene, tmp_path, capsys):
    path, pixels = tmp_path / "s_mask.tif", scene.read_bytes()
    scene.write_bytes(pixels[: int(len(pixels) * 0.95)])  # the last rows are missing
    with pytest.raises(LandcoverError) as caught:
        predict_map_on(cluster, model, scene, path, OPTIONS, block=BLOCK)
    assert len(caught.value.lines) == 3
    assert all("s.tif, pixels " in line and " of rows 96 to 149" in line for line in caught.value.lines)
    assert "s_mask.blocks: 3 of 6 blocks" in capsys.readouterr().err
    assert not path.exists()
    names = files_of(blocks_folder(path))
    assert [name[:11] for name in names] == ["mosaic.vrt", "r0000_c0000", "r0000_c0001", "r0000_c0002"]


def test_the_mosaic_shows_what_is_finished(cluster, model, scene, tmp_path, monkeypatch, classes):
    predict_map(model, scene, tmp_path / "one.tif", OPTIONS, confidence=tmp_path / "sure.tif")
    path = tmp_path / "s_mask.tif"
    stop_early(cluster, model, scene, path, monkeypatch, confidence=tmp_path / "s_confidence.tif")
    folder = blocks_folder(path).rename(tmp_path / "moved")
    for name, whole in (("mosaic.vrt", "one.tif"), ("mosaic_confidence.vrt", "sure.tif")):
        with rasterio.open(folder / name) as mosaic, rasterio.open(tmp_path / whole) as file:
            assert (mosaic.read() == file.read()).all()
            assert (mosaic.crs, mosaic.transform, mosaic.nodata) == (file.crs, file.transform, file.nodata)
            if name == "mosaic.vrt":
                assert mosaic.colormap(1)[1] == file.colormap(1)[1]


def test_one_client_at_a_time_works_at_a_map(cluster, model, scene, tmp_path, monkeypatch):
    monkeypatch.setattr("landcover.system.scratch.PATIENCE", 0.1)
    path = tmp_path / "s_mask.tif"
    with exclusive(blocks_folder(path)), pytest.raises(LandcoverError, match=r"s_mask\.blocks: another process"):
        predict_map_on(cluster, model, scene, path, OPTIONS, block=BLOCK)


def test_without_an_image_nothing_is_left(cluster, model, tmp_path):
    with pytest.raises(LandcoverError, match=r"none\.tif: "):
        predict_map_on(cluster, model, tmp_path / "none.tif", tmp_path / "out" / "none_mask.tif", OPTIONS)
    assert files_of(tmp_path / "out") == []


def test_scenes_get_their_maps_and_the_broken_one_a_line(cluster, model, tmp_path):
    scenes = [Scene.of(draw_scene(tmp_path / f"{name}.tif", 80, 60)) for name in "ab"]
    (tmp_path / "broken.tif").write_bytes(b"no image")
    (tmp_path / "maps").mkdir()
    with pytest.raises(LandcoverError, match=r"broken\.tif: not readable"):
        predict_scenes_on(
            cluster,
            model,
            [scenes[0], Scene.of(tmp_path / "broken.tif"), scenes[1]],
            tmp_path / "maps",
            OPTIONS,
            block=BLOCK,
            confidence=True,
        )
    assert [name for name in files_of(tmp_path / "maps") if name.endswith(".tif")] == [
        "a_confidence.tif",
        "a_mask.tif",
        "b_confidence.tif",
        "b_mask.tif",
    ]
