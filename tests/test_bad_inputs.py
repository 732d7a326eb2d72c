"""Bad input of every kind, each through the real stage or command as a process: a clear line and no damage."""

import fcntl
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import bad_files as bad
import kept_cases
import numpy as np
import pytest
import yaml
from bad_cases import CASES, MODEL, NOBODY, PROGRAMS, V
from conftest import ROOT, TABLE, draw_pair, write_geotiff
from PIL import Image

from landcover.classes.colours import hex_colour
from landcover.images.image_files import read_rgb


@pytest.fixture(scope="module")
def finished(tmp_path_factory, programs):
    """A small project in which everything has run."""
    folder = tmp_path_factory.mktemp("project")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    colours = {**TABLE.colours, TABLE.ignore[0]: TABLE.ignore[1]}
    params["data"] |= {"root": "data", "classes": {n: hex_colour(c) for n, c in colours.items()}, "ignore": "unknown"}
    params["train"] |= {"model": "baseline", "epochs": 1, "steps": 1, "crop": 32, "batch_size": 2, "log_every": 0}
    params["train"] |= {"weights": "none", "freeze_batch_norm": False}
    params["predict"] |= {"tta": "none"}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    for split, seed in (("train", 1), ("validation", 2)):
        for name in ("a", "b", "c"):
            draw_pair(folder / "data" / split, name, 40, 56, seed=seed + ord(name))
    for name in ("prepare", "train", "predict", "evaluate", "report", "label"):
        done = programs.run(*PROGRAMS[name], folder=folder)
        assert (done.returncode, done.stderr) == (0, ""), done
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of it, in the eyes of any user."""
    shutil.copytree(finished, tmp_path / "project")
    return tmp_path / "project"


def snapshot(folder: Path) -> dict[str, object]:
    """Content of every file below a folder, by path; of links their targets, of pipes and the like their kind."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        elif not path.is_dir():
            found[str(path)] = stat.S_IFMT(path.stat().st_mode)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.program}: {case.what}")
def test_bad_input_ends_in_lines_that_name_it_and_leaves_everything_as_it_was(case, project, programs):
    if case.user:
        if os.getuid():
            case = case._replace(user=0)  # the tests' own user may not do it either
        else:
            for path in [project, *project.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
            for folder in project.parents:  # locks are opened by their absolute paths
                folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
    case.damage(project)
    before = snapshot(project)
    done = programs.run(*PROGRAMS[case.program], folder=project, limits=case.limits, user=case.user)
    assert done.returncode == 1, done
    assert done.stderr.startswith("error: ")
    lines = done.stderr.removeprefix("error: ").splitlines()
    assert len(lines) == len(case.lines), done.stderr
    for line, pattern in zip(lines, case.lines, strict=True):
        assert re.match(pattern, line), line
    assert snapshot(project) == before


@pytest.mark.parametrize("case", kept_cases.CASES, ids=lambda case: f"{case.program}: {case.what}")
def test_an_output_never_takes_the_place_of_an_input_or_of_what_is_no_file(case, project, programs):
    case.damage(project)
    before = snapshot(project)
    done = programs.run(*(kept_cases.PROGRAMS | PROGRAMS)[case.program], folder=project)
    assert done.returncode == 1, done
    assert re.fullmatch(f"error: {case.lines[0]}.*\n", done.stderr), done.stderr
    assert snapshot(project) == before


def run(programs, name, folder, *more):
    """Run a program, which must succeed, and without a word on stderr."""
    done = programs.run(*PROGRAMS[name], *more, folder=folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done


SAT = "data/train/a_sat.png"
ODD = {
    "CMYK": lambda folder: bad.save(folder / SAT, "CMYK", format="jpeg", quality=100),
    "a palette": lambda folder: bad.save(folder / SAT, "P"),
    "a palette with transparency": lambda folder: bad.save(folder / SAT, "P", transparency=bytes(range(256))),
    "alpha": lambda folder: bad.save(folder / SAT, "RGBA"),
    "grey": lambda folder: bad.save(folder / SAT, "L"),
    "grey with alpha": lambda folder: bad.save(folder / SAT, "LA"),
    "a TIFF of several pages": lambda folder: bad.animation(folder / SAT, "tiff"),
    "a link": lambda folder: (bad.save(folder / "grey.png", "L"), bad.linked(folder / SAT, folder / "grey.png")),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_images_of_8_bits_are_read(kind, project, programs):
    ODD[kind](project)
    run(programs, "prepare", project)
    first = np.load(project / "data" / "prepared" / "train" / "images.npy")[0, :40, :56]
    assert abs(first.astype(int) - 128).max() <= 1


def test_black_and_white_is_read(project, programs):
    bad.save(project / SAT, "1")
    run(programs, "prepare", project)
    first = np.load(project / "data" / "prepared" / "train" / "images.npy")[0, :40, :56]
    assert set(np.unique(first)) == {0, 255}


def test_off_palette_pixels_within_the_limit_are_a_warning(project, programs):
    bad.paint(project / "data" / "train" / "a_mask.png", 2)
    done = programs.run("stages.prepare", folder=project)
    assert (done.returncode, done.stderr) == (
        0,
        "warning: data: 2 mask pixels have colours of no class and count as unknown\n",
    )


def test_pixels_stay_where_they_are_in_an_image_that_a_camera_turned(project, programs):
    orientation = Image.Exif()
    orientation[0x0112] = 6
    rgb = np.zeros((40, 56, 3), np.uint8)
    rgb[:8] = 255
    Image.fromarray(rgb).save(project / SAT, format="jpeg", exif=orientation, quality=100, subsampling=0)
    shutil.copy(project / SAT, project / "data" / "validation" / "a_sat.png")
    run(programs, "prepare", project)
    first = np.load(project / "data" / "prepared" / "train" / "images.npy")[0]
    assert (first[:8, :56] > 250).all()
    run(programs, "label", project)
    assert read_rgb(project / "maps" / "a_mask.png").shape == (40, 56, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30_000, 1), (1, 30_000)])
def test_the_smallest_and_the_longest_images_get_a_mask_of_their_size(size, project, programs):
    for split in ("train", "validation"):
        draw_pair(project / "data" / split, "d", *size)
    run(programs, "prepare", project)
    run(programs, "predict", project)
    assert read_rgb(project / "data" / "predictions" / "d_mask.png").shape[:2] == size
    run(programs, "evaluate", project)
    run(programs, "label", project)
    assert read_rgb(project / "maps" / "d_mask.png").shape[:2] == size


def test_names_of_any_kind_are_names(project, programs):
    names = ["with space", "-dash", "--help", "..", "new\nline", "grün 緑", "*", "$(touch executed)", "'", "%s {0}"]
    names += ["$x^$", os.fsdecode(b"gr\xfcn"), "n" * 240]
    for name in names:
        draw_pair(project / "data" / "validation", name, 8, 9)
    for program in ("prepare", "predict", "evaluate", "label", "score", "validate"):
        run(programs, program, project)
    masks, confidences = ({f"{name}_{what}.png" for name in [*names, "a", "b", "c"]} for what in ("mask", "confidence"))
    for folder, expected in (("data/predictions", masks | confidences), ("maps", masks)):
        assert {path.name for path in (project / folder).iterdir()} == expected
    assert not list(project.rglob("executed"))


@pytest.mark.parametrize("form", ["gtiff", "cog"])
def test_a_raster_whose_name_is_not_utf8_is_a_line_and_the_others_get_their_maps(form, project, programs):
    odd = os.fsdecode(b"gr\xfcn")
    (project / "scenes").mkdir()
    for name in ("a", odd, "grün", "z"):
        write_geotiff(project / "scenes" / "x.tif", np.full((3, 20, 30), 9, np.uint8))
        (project / "scenes" / "x.tif").rename(project / "scenes" / f"{name}.tif")
    done = programs.run("landcover", "predict", "scenes", "-m", MODEL, "-o", "new", "--format", form, folder=project)
    assert (done.returncode, done.stdout) == (1, "new: 3 masks\n")
    assert done.stderr == "error: scenes/gr\\udcfcn.tif: not UTF-8, as names of rasters must be. Rename it.\n"
    assert {path.name for path in (project / "new").glob("*.tif")} == {"a_mask.tif", "grün_mask.tif", "z_mask.tif"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("predict", "scenes/a.tif", "-m", MODEL, "-o", "new\udcfc"), r"new\\udcfc: not UTF-8, as names of rasters"),
        (
            ("predict", "scenes/a.tif", "-m", MODEL, "-o", "new", "--polygons", "\udcfc.gpkg"),
            r"\\udcfc\.gpkg: not UTF-8, as names of files of polygons must be\. Rename it\.",
        ),
        (("info", "\udcfc.safetensors"), r"\\udcfc\.safetensors: not UTF-8, as names of models must be\. Rename it\."),
        (
            ("evaluate", "-g", V, "-p", V, "--classes", "\udcfc.safetensors"),
            r"\\udcfc\.safetensors: not UTF-8, as names of models must be\. Rename it\.",
        ),
        (("evaluate", "-g", V, "-p", V, "--classes", "\udcfc.yaml"), r"\\udcfc\.yaml: no such file"),
        (("evaluate", "-g", "\udcfc", "-p", V, "--classes", "params.yaml"), r"\\udcfc: no such folder"),
        (("validate", "\udcfc", "-m", MODEL), r"\\udcfc: no such folder"),
    ],
)
def test_a_name_that_is_not_utf8_where_it_cannot_be_is_one_line(arguments, line, project, programs):
    kept_cases.scene(project)
    shutil.copy(project / MODEL, project / "\udcfc.safetensors")
    before = snapshot(project), sorted(project.iterdir())
    done = programs.run("landcover", *arguments, folder=project)
    assert done.returncode == 1, done
    assert re.fullmatch(f"error: {line}.*\n", done.stderr), done.stderr
    assert (snapshot(project), sorted(project.iterdir())) == before


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("utf-8", marks=pytest.mark.long)])
def test_an_output_of_any_bytes_is_named_in_the_summary(encoding, project):
    command = [sys.executable, "-m", "landcover", "predict", V, "-m", MODEL, "-o", b"gr\xfcn\n"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "gr\\udcfcn\\n: 3 masks\n", "")
    assert len(list((project / "gr\udcfcn\n").iterdir())) == 3


def test_a_broken_file_with_a_line_break_in_its_name_is_one_line(project, programs):
    (project / "data" / "validation" / "a_sat.png").rename(project / "data" / "validation" / "x\ny\x1b[31m_sat.png")
    (project / "data" / "validation" / "x\ny\x1b[31m_sat.png").write_bytes(b"")
    done = programs.run(*PROGRAMS["label"], folder=project)
    assert (done.returncode, done.stdout) == (1, "maps: 2 masks\n")
    assert done.stderr.startswith("error: data/validation/x\\ny\\x1b[31m_sat.png: not readable as an image")
    assert done.stderr.count("\n") == 1


def test_a_map_replaces_a_link_and_does_not_write_where_it_leads(project, programs):
    (project / "mine").write_bytes(b"mine")
    (project / "maps" / "a_mask.png").unlink()
    (project / "maps" / "a_mask.png").symlink_to("../mine")
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (project / "maps" / ".partial-b_mask.png").symlink_to("../elsewhere")
    run(programs, "label", project)
    assert (project / "mine").read_bytes() == b"mine"
    assert not (project / "maps" / "a_mask.png").is_symlink()
    assert [path.name for path in elsewhere.iterdir()] == ["file"]


@pytest.mark.parametrize("extra", [(), ("--format", "cog"), ("--probabilities",)], ids=str)
def test_a_map_is_never_cut_short_by_a_full_disk(extra, project, programs):
    write_geotiff(project / "a.tif", np.random.default_rng(0).integers(256, size=(3, 200, 300), dtype=np.uint8))
    command = ("landcover", "predict", "a.tif", "-m", MODEL, "-o", "new", "--overwrite", *extra)
    assert programs.run(*command, folder=project).returncode == 0
    whole = {path.name: path.read_bytes() for path in (project / "new").iterdir()}
    name = "a_probabilities.tif" if "--probabilities" in extra else "a_mask.tif"
    for missing in (len(whole[name]), len(whole[name]) // 2, 900, 150, 20, 1):
        (project / "new" / name).write_bytes(b"old")
        limits = {"RLIMIT_FSIZE": len(whole[name]) - missing}
        done = programs.run(*command, folder=project, limits=limits)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
        assert "cannot be written" in done.stderr
        assert (project / "new" / name).read_bytes() == b"old"
        assert {path.name for path in (project / "new").iterdir()} == set(whole)


def test_probabilities_without_room_are_a_line(project, programs):
    limits = {"RLIMIT_FSIZE": 20_000}
    done = programs.run(*PROGRAMS["label"], "--probabilities", folder=project, limits=limits)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: maps/a_probabilities.npy: cannot be written (File too large). Make room")
    assert not [path for path in (project / "maps").iterdir() if path.suffix != ".png"]


def test_links_that_lead_in_circles_are_followed_once(project, programs):
    for name in ("loop", "again"):
        (project / "data" / "validation" / name).symlink_to(".")
    done = programs.run("landcover", "predict", "data/**/?_sat.png", "-m", MODEL, "-o", "new", folder=project)
    assert done.returncode == 1
    assert "has the same name" in done.stderr  # as train and validation have images of the same names
    done = programs.run("landcover", "predict", "data/v*/**/?_sat.png", "-m", MODEL, "-o", "new", folder=project)
    assert (done.returncode, done.stdout) == (0, "new: 3 masks\n"), done


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "-a.png", "-m", MODEL, "-o", "maps"),
        ("predict", "a.png"),
        ("predict", "a.png", "-m", MODEL, "-o", "maps", "--overlap", "nan"),
        ("evaluate", "-g", "data/validation"),
        ("compare", "maps"),
        ("nothing",),
        (),
    ],
)
def test_wrong_arguments_are_exit_code_2_and_told_in_the_last_line(arguments, project, programs):
    before = snapshot(project)
    done = programs.run("landcover", *arguments, folder=project)
    assert done.returncode == 2
    assert "error: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert snapshot(project) == before


def test_output_that_nobody_reads_is_no_error(project):
    command = ["bash", "-c", f"{sys.executable} -m landcover evaluate -g {V} -p {V} --classes params.yaml | true"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("program", ["stages.train", "stages.predict", f"landcover info {MODEL}"])
def test_memory_that_does_not_suffice_to_load_pytorch_is_told_in_a_line(program, project):
    command = ["bash", "-c", f"ulimit -v 300000; {sys.executable} -m {program}"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"error: not enough memory to load a library \(.*\)\. Free some, or raise .*\n", done.stderr)


def test_a_repository_that_dvc_has_locked_says_so_and_stays_as_it_is(project):
    def dvc(*arguments):
        command = [sys.executable, "-m", "dvc", *arguments]
        return subprocess.run(command, cwd=project, capture_output=True, text=True)

    (project / "dvc.yaml").write_text("stages: {a: {cmd: echo ran > out, outs: [out]}}")
    assert dvc("init", "--no-scm", "--quiet").returncode == 0
    before = snapshot(project / "data") | snapshot(project / "metrics")
    with (project / ".dvc" / "tmp" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = dvc("repro")
    assert done.returncode != 0
    assert "lock" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out").exists()
    assert snapshot(project / "data") | snapshot(project / "metrics") == before
    assert dvc("repro").returncode == 0  # a lock that a killed process left is nobody's
