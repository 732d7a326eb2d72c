"""Paths may be texts wherever the library takes one."""

import numpy as np
import torch
from conftest import write_geotiff

from landcover.classes.class_files import read_class_table
from landcover.data.preparation import prepare
from landcover.data.tiles import Dataset, Tiles, read_dataset, write_dataset
from landcover.export.onnx_export import export_onnx
from landcover.geo.geotiff import write_geotiff as write_map
from landcover.geo.maps import predict_map
from landcover.geo.polygons import write_polygons
from landcover.images.image_files import image_size, read_packed, read_rgb
from landcover.images.pairs import find_images, find_masks, find_pairs, find_samples
from landcover.inference.mask_files import predict_masks
from landcover.models.model_file import load_model, save_model
from landcover.rasters.raster import open_raster
from landcover.report.figures import Comparison, draw_samples
from landcover.scoring.mask_labels import read_labels
from landcover.scoring.scores import score_masks
from landcover.system.errors import Problems
from landcover.system.files import replacing, write_metrics, write_table
from landcover.training.checkpoints import Checkpoint


def test_models_masks_and_scores(model_file, pairs, tmp_path):
    model = load_model(str(model_file))
    save_model(model, f"{tmp_path}/copy.safetensors")
    assert read_class_table(f"{tmp_path}/copy.safetensors") == model.classes
    export_onnx(model, f"{tmp_path}/m.onnx", tile_size=64)
    images = {name: str(path) for name, path in find_images(str(pairs)).items()}
    predict_masks(model, images, f"{tmp_path}/maps", probabilities=True)
    assert find_masks(f"{tmp_path}/maps").keys() == images.keys()
    scores = score_masks(str(pairs), f"{tmp_path}/maps", model.classes)
    assert scores.per_image.keys() == images.keys()
    write_metrics(f"{tmp_path}/m.json", {"a": 1.0})
    write_table(f"{tmp_path}/t.csv", scores.iou_table())
    samples = find_samples(str(pairs))
    predictions = find_masks(f"{tmp_path}/maps")
    comparison = Comparison("a", samples[0], predictions[samples[0].name])
    draw_samples([comparison], model.classes, f"{tmp_path}/s.png")


def test_images_tiles_and_checkpoints(pairs, classes, tmp_path):
    samples = find_pairs(str(pairs), Problems())
    image, mask = str(samples[0].image), str(samples[0].mask)
    assert image_size(image) == read_rgb(image).shape[:2] == read_packed(mask).shape
    assert read_labels(mask, classes)[0].shape == image_size(mask)
    prepare(samples, classes, f"{tmp_path}/tiles", tile=64, scale=1.0, max_off_palette=0.0)
    assert len(Tiles.open(f"{tmp_path}/tiles", classes).labels)
    split = {"layout": "pairs", "split": "folder", "holdout": 0}
    write_dataset(str(tmp_path), Dataset(classes, 1.0, "a", split, {"train": 1, "validation": 1}))
    assert read_dataset(str(tmp_path)).classes == classes
    with replacing(f"{tmp_path}/folder/file") as scratch:
        scratch.write_text("a")
    checkpoint = Checkpoint(f"{tmp_path}/c.pt", "same")
    checkpoint.save({"a": torch.ones(1)})
    assert checkpoint.load()["a"] == 1
    checkpoint.delete()


def test_maps_and_polygons(model_file, classes, tmp_path):
    model = load_model(model_file)
    scene = f"{tmp_path}/scene.tif"
    write_geotiff(tmp_path / "scene.tif", np.full((3, 64, 64), 99, np.uint8), photometric="RGB")
    predict_map(model, scene, f"{tmp_path}/map.tif", probabilities=f"{tmp_path}/p.tif", quiet=True)
    assert write_polygons(f"{tmp_path}/map.gpkg", f"{tmp_path}/map.tif") >= 1
    with open_raster(scene) as raster:
        write_map(f"{tmp_path}/again.tif", [np.zeros((64, 64), np.uint8)], raster, classes, {})
