"""The example of docs/qgis.md: draws polygons, trains, corrects, trains again, and takes the figures in QGIS.

    python docs/qgis_example.py

Needs the embedded data set and the initial weights (`dvc repro fetch weights`), QGIS and xvfb; takes some ten minutes
on two cores. Polygons are drawn where MODIS has a class: blots of a degree or two, the corrections where the first map
is wrong.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import rasterio
import shapely
import yaml
from PIL import Image
from rasterio.features import rasterize, shapes, sieve
from rasterio.windows import from_bounds

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
EARTH = ROOT / "data" / "bluemarble"
SCENE = (-10, 36, 15, 55)  # west, south, east, north in degrees
VIEW = (-10, 37.6, 15, 54.2)
CLASSES = {
    "urban": "#ff3355",
    "agriculture": "#ffe066",
    "rangeland": "#d9a65b",
    "forest": "#2fbf4a",
    "water": "#4aa3ff",
}
SETTINGS = {
    "data.root": "data/mine",
    "data.layout": "scenes",
    "data.scenes": "europe.tif",
    "data.labels": "labels.gpkg",
    "data.split": "block",
    "data.holdout": 4,
    "data.block": 200_000,
    "data.resolution": 7420,
    "train.epochs": 1,
    "train.steps": 50,
    "train.warmup": 20,
    "train.batch_size": 8,
    "predict.tta": "none",
}


def cut_scene(path: Path) -> None:
    """Write the part of the Blue Marble that QGIS would export for `SCENE`."""
    with rasterio.open(EARTH / "earth.jpg") as earth:
        window = from_bounds(*SCENE, earth.transform).round_offsets().round_lengths()
        profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "crs": "EPSG:4326", "photometric": "rgb"}
        profile |= {"height": window.height, "width": window.width, "transform": earth.window_transform(window)}
        with rasterio.open(path, "w", **profile) as file:
            file.write(earth.read(window=window))


def modis(scene: Path) -> np.ndarray:
    """What MODIS says of each pixel of the scene: index in `CLASSES`, uint8 (H, W)."""
    regions = geopandas.read_file(EARTH / "regions.gpkg", bbox=SCENE)
    with rasterio.open(scene) as file:
        regions = regions[regions["class"].isin(CLASSES)]
        values = regions["class"].map(list(CLASSES).index)
        return rasterize(
            zip(regions.geometry, values, strict=True), file.shape, fill=255, transform=file.transform, dtype="uint8"
        )


def draw(wanted: np.ndarray, truth: np.ndarray, place: rasterio.Affine, each: int, seed: int) -> geopandas.GeoDataFrame:
    """Draw up to `each` polygons a class around random pixels of `wanted`, as roughly as by hand, without specks."""
    rng, rows, smooth = np.random.default_rng(seed), [], sieve(truth, 12)
    for label, name in enumerate(CLASSES):
        patches = shapes(smooth, mask=smooth == label, transform=place)
        patches = shapely.unary_union([shapely.Polygon(patch["coordinates"][0]) for patch, _ in patches]).buffer(-0.03)
        drawn = len(rows)
        for row, column in rng.permutation(np.argwhere(wanted & (smooth == label))):
            around = shapely.Point(place @ (column + 0.5, row + 0.5)).buffer(rng.uniform(0.5, 1.1), 4)
            parts = shapely.get_parts(around.intersection(patches))
            polygon = max(parts, key=lambda part: part.area, default=shapely.Polygon())
            polygon = shapely.Polygon(polygon.exterior).simplify(0.07)
            if polygon.area > 0.06 and all(polygon.distance(other) > 0.3 for _, other in rows):
                rows.append((name, polygon))
            if len(rows) == drawn + each:
                break
    return geopandas.GeoDataFrame(rows, columns=["class", "geometry"], crs="EPSG:4326")


def run_pipeline(project: Path) -> dict:
    """Run the stages in a folder; return the scores."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    for stage in ("prepare", "train", "predict", "evaluate"):
        subprocess.run([sys.executable, "-m", f"stages.{stage}"], cwd=project, env=environment, check=True)
    return json.loads((project / "metrics" / "evaluate.json").read_text())


def agreement(project: Path, truth: np.ndarray) -> float:
    """Share of the pixels of the whole scene of which the map says what MODIS says."""
    with rasterio.open(project / "data" / "predictions" / "europe_mask.tif") as file:
        return float((file.read(1) == truth)[truth != 255].mean())


def take(figures: list[dict], folder: Path) -> None:
    """Take figures in QGIS, see qgis_window.py, and make them small."""
    jobs = folder / "figures.json"
    jobs.write_text(json.dumps(figures))
    command = ["xvfb-run", "-a", "-s", "-screen 0 1180x720x24", "qgis", "--nologo", "--noversioncheck", "--noplugins"]
    command += ["--lang", "en", "--profiles-path", folder / "profile", "--code", ROOT / "docs" / "qgis_window.py"]
    environment = os.environ | {"FIGURES": str(jobs), "LANG": "C.UTF-8"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    subprocess.run(command, env=environment, check=True, timeout=120)
    for figure in figures:
        small(Image.open(figure["out"]).convert("RGB")).save(figure["out"], optimize=True)


def small(image: Image.Image) -> Image.Image:
    """The image in 256 colours, the classes' among them: they cover little of it, but must be those of the legend."""
    strip, palette = 80, Image.new("RGB", (image.width, image.height + 80))
    palette.paste(image)
    for i, colour in enumerate(CLASSES.values()):
        palette.paste(colour, (i * 2 * strip, image.height, (i + 1) * 2 * strip, image.height + strip))
    palette = palette.quantize(256, kmeans=3)
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> None:
    """Draw, train, correct, train again."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        mine = project / "data" / "mine"
        mine.mkdir(parents=True)
        shutil.copytree(ROOT / "data" / "weights", project / "data" / "weights")
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        for key, value in SETTINGS.items():
            block, _, name = key.partition(".")
            params[block][name] = value
        params["data"]["classes"] = CLASSES | {"unknown": "#000000"}
        (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        cut_scene(mine / "europe.tif")
        truth = modis(mine / "europe.tif")
        with rasterio.open(mine / "europe.tif") as file:
            transform = file.transform
        first = draw(np.ones(truth.shape, bool), truth, transform, each=9, seed=0)
        first.to_file(mine / "labels.gpkg")
        scene, labels = {"path": f"{mine}/europe.tif"}, {"path": f"{mine}/labels.gpkg", "classes": CLASSES}
        mask = project / "data" / "predictions" / "europe_mask.tif"
        form = "fid = 12"
        drawing = {"layers": [labels | {"editing": True, "expression": form}, scene], "form": form}
        take([{"out": f"{IMAGES}/qgis-draw.png", "extent": VIEW} | drawing], Path(folder))
        print(len(first), "polygons:", run_pipeline(project), agreement(project, truth))
        kept = mask.with_name("first_mask.tif")
        shutil.copy(mask, Path(folder, kept.name))
        layers = [labels | {"opacity": 0.6}, {"path": str(mask)}, scene]
        take([{"out": f"{IMAGES}/qgis-map.png", "extent": VIEW, "layers": layers}], Path(folder))
        with rasterio.open(mask) as file:
            wrong = (file.read(1) != truth) & (truth != 255)
        more = draw(wrong, truth, transform, each=6, seed=1)
        pd.concat([first, more], ignore_index=True).to_file(mine / "labels.gpkg")
        new = f"fid > {len(first)}"
        layers = [labels | {"editing": True, "expression": new}, {"path": str(mask), "opacity": 0.6}, scene]
        take([{"out": f"{IMAGES}/qgis-correct.png", "extent": VIEW, "layers": layers}], Path(folder))
        print(len(first) + len(more), "polygons:", run_pipeline(project), agreement(project, truth))
        layers = [{"path": str(mask)}, scene]
        take([{"out": f"{IMAGES}/qgis-again.png", "extent": VIEW, "layers": layers}], Path(folder))


if __name__ == "__main__":
    main()
