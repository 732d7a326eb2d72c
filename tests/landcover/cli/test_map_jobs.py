from pathlib import Path

import pytest

from landcover.cli.map_jobs import check_jobs, plan_jobs
from landcover.system.errors import LandcoverError

ONE, TWO = {"town": Path("in/town.jpg")}, {"a": Path("in/a_sat.png"), "b": Path("in/b.tif")}


def planned(*arguments) -> list[tuple]:
    return [(job.is_raster, *map(str, job.outputs())) for job in plan_jobs(*arguments)]


def test_maps_are_called_as_their_images():
    assert planned(TWO, "out", "auto", False) == [(False, "out/a_mask.png"), (True, "out/b_mask.tif")]
    assert planned(TWO, "out", "cog", False) == [(True, "out/a_mask.tif"), (True, "out/b_mask.tif")]
    assert planned(ONE, "out", "png", True) == [(False, "out/town_mask.png", "out/town_probabilities.npy")]


@pytest.mark.parametrize(
    ("output", "form", "expected"),
    [
        ("maps/t.png", "auto", (False, "maps/t.png", "maps/t_probabilities.npy")),
        ("t.tif", "auto", (True, "t.tif", "t_probabilities.tif")),
        ("t.TIFF", "cog", (True, "t.TIFF", "t_probabilities.tiff")),
        ("t.tif", "gtiff", (True, "t.tif", "t_probabilities.tif")),
        ("t.tif/", "auto", (False, "t.tif/town_mask.png", "t.tif/town_probabilities.npy")),
        ("there.tif", "auto", (False, "there.tif/town_mask.png", "there.tif/town_probabilities.npy")),
        ("maps.v2", "auto", (False, "maps.v2/town_mask.png", "maps.v2/town_probabilities.npy")),
    ],
)
def test_of_one_image_the_output_may_be_a_file(output, form, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there.tif").mkdir()
    assert planned(ONE, output, form, True) == [expected]


@pytest.mark.parametrize(
    ("images", "output", "form", "line"),
    [
        (ONE, "t.jpg", "auto", r"t\.jpg: not the name of a map\. Let it end in \.png, \.tif, \.tiff, or a folder\."),
        (ONE, "t.vrt", "auto", r"t\.vrt: not the name of a map\."),
        (TWO, "t.tif", "auto", r"t\.tif: one file for 2 maps\. Name a folder\."),
        (ONE, "t.png", "cog", r"t\.png: not a name for --format cog\. Change one of them\."),
        (ONE, "t.tif", "png", r"t\.tif: not a name for --format png\. Change one of them\."),
    ],
)
def test_an_output_that_cannot_be_is_refused(images, output, form, line):
    with pytest.raises(LandcoverError, match=line):
        plan_jobs(images, output, form, False)


@pytest.fixture
def images(tmp_path, monkeypatch):
    """Images by name; one of them has a mask beside it."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("a_sat.png", "a_mask.png", "b_sat.png"):
        Path("in", name).touch()
    return {name: Path("in", f"{name}_sat.png") for name in "ab"}


def new(images, output, overwrite=False, probabilities=False):
    jobs = plan_jobs(images, output, "auto", probabilities)
    return [job.name for job in check_jobs(jobs, output, Path("m"), overwrite=overwrite)]


def test_masks_beside_their_images_are_kept_and_never_replaced(images):
    assert new(images, "in") == ["b"]
    assert new({"b": images["b"]}, "in", overwrite=True) == ["b"]
    for options in ({"overwrite": True}, {"probabilities": True}):
        for folder in ("in", "in/../in", str(Path.cwd() / "in")):
            with pytest.raises(LandcoverError, match=r"a_mask\.png: is there already, in the folder of the images"):
                new(images, folder, **options)


def test_the_folder_to_which_a_link_leads_is_a_folder_of_images(images):
    Path("links").mkdir()
    Path("links", "a_sat.png").symlink_to("../in/a_sat.png")
    with pytest.raises(LandcoverError, match="may be the truth"):
        new({"a": Path("links/a_sat.png")}, "in", overwrite=True)


def test_maps_elsewhere_are_replaced_if_that_is_asked_for(images):
    Path("out").mkdir()
    Path("out", "a_mask.png").touch()
    assert new(images, "out") == ["b"]
    assert new(images, "out", overwrite=True) == ["a", "b"]
