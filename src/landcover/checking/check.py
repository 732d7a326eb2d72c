"""Look at a data set: what it is, what is wrong, and which parameters fit it."""

import re
from pathlib import Path

from landcover.checking.discovery import Files, class_list_in, sort_files, vectors_in
from landcover.checking.findings import KEYS, Findings
from landcover.checking.pair_sets import check_pairs, find_layout
from landcover.checking.scene_sets import check_scenes
from landcover.labels.options import VECTOR_SUFFIXES
from landcover.system.errors import LandcoverError


def check_data_set(path: Path | str, layout: str | None = None, column: str | None = None) -> Findings:
    """Look at a data set.

    Args:
        path: Its folder; or a scene or a file of labels in it, if that is the one to use.
        layout: One of `layouts.LAYOUTS`, if it is known.
        column: Of polygons and points, the one with the class, if it is known.

    Raises:
        LandcoverError: There is no such file, or nothing in it that could be a data set.
    """
    path = Path(path)
    if not path.exists():
        raise LandcoverError(f"{path}: no such file or folder. Name the folder of a data set.")
    root = path if path.is_dir() else path.parent
    findings = Findings(values={"root": str(root)})
    listed = class_list_in(root)
    if listed:
        findings.facts["list of classes"] = str(listed[0])
    entries = listed[1].entries if listed else None
    pairs = None if layout == "scenes" or root != path else find_layout(root, layout)
    if pairs:
        check_pairs(root, pairs, entries, findings)
        if layout is None and (other := vectors_in(root)):
            findings.notes.append(f"{other[0]}: labels on the map as well; --layout scenes looks at these")
    else:
        if layout not in (None, "scenes"):
            raise LandcoverError(f"{root}: no pairs of images and masks in this layout. Correct --layout.")
        files = sort_files(root)
        if path != root:
            files = _only(files, path)
        if not any((files.scenes, files.rasters, files.vectors, files.broken)):
            raise LandcoverError(
                f"{root}: neither pairs of images and masks (NAME_sat.jpg and NAME_mask.png, or images/ and masks/) "
                "nor scenes. Name the folder of a data set."
            )
        check_scenes(root, files, entries, column, findings)
    if listed and findings.classes and findings.classes.entries == dict(listed[1].entries):
        findings.values["classes"] = listed[0].name
        findings.values["ignore"] = listed[1].ignore if listed[1].says_ignore else findings.classes.ignore
    findings.problems = [_naming_keys(line) for line in dict.fromkeys(findings.problems)]
    return findings


def _naming_keys(line: str) -> str:
    """A line of the library, which names arguments such as `column`, with the keys of params.yaml instead."""
    keys = {key: f"data.{key}" for key in KEYS} | {"max_off_palette": "prepare.max_off_palette"}
    return re.sub(r"`(\w+)`", lambda match: keys.get(match[1], match[0]), line)


def _only(files: Files, path: Path) -> Files:
    """The files of a folder with only one file of labels, or only one scene: that which is named."""
    if path.suffix.lower() in VECTOR_SUFFIXES:
        return files._replace(vectors=[path], areas=[area for area in files.areas if area != path])
    if path in files.rasters:
        return files._replace(rasters=[path], vectors=[])
    return files._replace(scenes=[path])
