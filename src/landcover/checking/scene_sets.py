"""Data sets of scenes with labels on the map: what is in them, and whether it fits together."""

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rasterio.windows import Window

from landcover.checking.bands import Raster, describe_bands, raster_of, sizes
from landcover.checking.discovery import Files, named_below
from landcover.checking.findings import Findings
from landcover.checking.ground_labels import describe, find_labels, set_classes
from landcover.checking.splits import choose_split
from landcover.classes.class_entries import ClassEntry
from landcover.classes.class_table import ClassTable, byte_counts
from landcover.data.ground_resolution import metres_per_pixel
from landcover.labels.options import LabelOptions
from landcover.labels.sources import GridLabels, LabelSource, find_rasters, no_overlap, open_labels
from landcover.labels.summary import describe_labels
from landcover.rasters.access import open_dataset
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene, find_scenes
from landcover.rasters.stacks import open_files
from landcover.system.errors import LandcoverError

_SIDE = 1024  # pixels: of the coarse grid of a scene on which labels are looked at
_LISTED = 30  # scenes
_FINER = 1.5  # times as fine as the scenes are labels of which the majority says more than the nearest


def check_scenes(
    root: Path, files: Files, listed: Mapping[str, ClassEntry] | None, column: str | None, findings: Findings
) -> None:
    """Say what scenes and labels there are, whether they meet, and set the keys of the block.

    Args:
        root: Of the data set.
        files: Those to use.
        listed: Classes of a list that comes with the data set; None without.
        column: Of polygons and points, the one with the class; None to look for it.
        findings: Gets what was found.
    """
    findings.values["layout"] = "scenes"
    findings.facts["layout"] = "scenes: images with a place on the map, and labels on the map"
    findings.problems += files.broken
    grids = _check_images(root, files, findings)
    labels = find_labels(root, files, findings)
    if labels is None:
        return
    findings.values["labels"] = labels
    if files.areas:
        findings.values["area"] = str(files.areas[0].relative_to(root))
        findings.facts["areas of interest"] = str(files.areas[0])
        for path in files.areas[1:]:
            findings.problems.append(
                f"{path}: {files.areas[0].name} also has areas of interest by its name. Rename one."
            )
    try:
        summary = describe_labels(root, labels, column)
    except LandcoverError as error:
        findings.problems += error.lines
        return
    describe(summary, findings)
    set_classes(summary, listed, findings)
    if findings.classes:
        _check_together(root, labels, grids, findings)


def _check_images(root: Path, files: Files, findings: Findings) -> dict[Scene, Grid]:
    """Describe the scenes; returns the grids of those that can be used."""
    if not files.scenes:
        findings.problems.append(f"{root}: no scene in it: no GeoTIFF, JPEG 2000 or VRT that is an image. Add one.")
        return {}
    entry = named_below(root, files.scenes, files.rasters)
    findings.values["scenes"] = entry
    try:
        scenes = find_scenes(root, entry)
    except LandcoverError as error:
        findings.problems += error.lines
        return {}
    grids: dict[Scene, Grid] = {}
    rasters: list[Raster] = []
    described: dict[str, str] = {}
    for scene in scenes:
        try:
            with open_files(scene.files, scene.path) as dataset:
                raster, grid = raster_of(scene.path, dataset), Grid.of(dataset)
        except LandcoverError as error:
            findings.problems += error.lines
            continue
        rasters.append(raster)
        described[scene.name] = f"{sizes([raster])}, {_place(grid)}" + (
            f", {len(scene.files)} files" if len(scene.files) > 1 else ""
        )
        if grid.crs is None:
            findings.problems.append(
                f"{scene.path}: no reference system, so labels on the map cannot be placed on it. Assign it "
                "(gdal_edit.py -a_srs)."
            )
        else:
            grids[scene] = grid
    if rasters:
        shown = dict(list(described.items())[:_LISTED])
        more = {"...": f"and {len(described) - _LISTED} more"} if len(described) > _LISTED else {}
        findings.facts["scenes"] = shown | more
        describe_bands(rasters, findings)
    return grids


def _place(grid: Grid) -> str:
    """Reference system, size of a pixel and place of a grid in words."""
    if grid.crs is None:
        return "no reference system"
    code = grid.crs.to_epsg()
    system = f"EPSG:{code}" if code else "a reference system without EPSG code"
    try:
        metres = metres_per_pixel(grid)
        bounds = grid.bounds_in_degrees()
    except ValueError as error:
        return f"{system}, {error}"
    text = f"{system}, {f'{metres:,.0f}' if metres >= 1000 else f'{metres:.3g}'} m per pixel"
    if bounds:
        text += f", longitudes {bounds[0]:.4g} to {bounds[2]:.4g}, latitudes {bounds[1]:.4g} to {bounds[3]:.4g}"
    return text


def _check_together(root: Path, labels: str, grids: Mapping[Scene, Grid], findings: Findings) -> None:
    """Whether labels and scenes meet, and by which split both sides get some."""
    assert findings.classes is not None
    entries, ignore = findings.classes.entries, findings.classes.ignore
    values = findings.values
    options = LabelOptions(
        ClassTable.of({name: entry.colours for name, entry in entries.items()}, ignore),
        {name: entry.codes for name, entry in entries.items() if entry.codes},
        column=values.get("column", "class"),
        burn="touched",  # on a coarse grid small polygons have no pixel's centre
        masks=values.get("masks", "codes"),
        max_off_palette=1.0,
    )
    source_path = Path(root, labels)
    try:
        source: LabelSource = open_labels(root, labels, values.get("area"), options)
        coarse = {scene: grid.scaled(min(1.0, _SIDE / max(grid.height, grid.width))) for scene, grid in grids.items()}
        met: dict[Scene, GridLabels] = {scene: source.on(grid, scene) for scene, grid in coarse.items()}
        if not grids:
            return  # which has its own problem
        if not any(found.meets() for found in met.values()):
            raise no_overlap(source, root)
        burnt = {scene: found.read(_whole(coarse[scene])) for scene, found in met.items()}
    except LandcoverError as error:
        findings.problems += error.lines
        findings.notes = [line for line in findings.notes if not line.startswith(f"{source_path}: ")]
        return
    counts = {scene.name: byte_counts(found)[: len(options.classes)] for scene, found in burnt.items()}
    if not any(count.any() for count in counts.values()):
        findings.problems += no_overlap(source, root).lines
        return
    if without := [name for name, count in counts.items() if not count.any()]:
        findings.notes.append(f"scenes without any label: {', '.join(without[:5])}")
    labelled = {scene.name: f"{counts[scene.name].sum() / found.size:.2%}" for scene, found in burnt.items()}
    findings.facts["labelled share of the scenes, about"] = labelled
    pixel = max(metres_per_pixel(grid) for grid in grids.values())
    if values.get("masks") == "codes" and _finest(root, labels) * _FINER < pixel:
        values["resample"] = "majority"
        findings.notes.append("labels are finer than the scenes: each pixel takes the majority of them (resample)")
    choose_split(
        {scene: (coarse[scene], found) for scene, found in burnt.items()}, len(options.classes), pixel, findings
    )


def _finest(root: Path, labels: str) -> float:
    """Metres per pixel of the finest raster of labels; infinite if none has a place on Earth."""
    metres = [math.inf]
    for path in find_rasters(root, labels):
        with open_dataset(path) as dataset, suppress(ValueError):
            metres.append(metres_per_pixel(Grid.of(dataset)))
    return min(metres)


def _whole(grid: Grid) -> Window:
    return Window(0, 0, grid.width, grid.height)
