from pathlib import Path

import pytest

from landcover.cli.map_formats import MAP_FORMATS
from landcover.cli.map_jobs import check_jobs, plan_jobs
from landcover.system.errors import LandcoverError

ONE, TWO = {"town": Path("in/town.jpg")}, {"a": Path("in/a_sat.png"), "b": Path("in/b.tif")}


def planned(*arguments) -> list[tuple]:
    """Format and outputs of each job."""
    names = {form: name for name, form in MAP_FORMATS.items()}
    return [(names[job.format], *map(str, job.outputs())) for job in plan_jobs(*arguments)]


def test_maps_are_named_after_their_images():
    assert planned(TWO, "out", "auto", False) == [("png", "out/a_mask.png"), ("gtiff", "out/b_mask.tif")]
    assert planned(TWO, "out", "cog", False) == [("cog", "out/a_mask.tif"), ("cog", "out/b_mask.tif")]
    assert planned(ONE, "out", "png", True) == [("png", "out/town_mask.png", "out/town_probabilities.npy")]


@pytest.mark.parametrize(
    ("output", "form", "expected"),
    [
        ("maps/t.png", "auto", ("png", "maps/t.png", "maps/t_probabilities.npy")),
        ("t.tif", "auto", ("gtiff", "t.tif", "t_probabilities.tif")),
        ("t.TIFF", "cog", ("cog", "t.TIFF", "t_probabilities.tiff")),
        ("t.tif", "gtiff", ("gtiff", "t.tif", "t_probabilities.tif")),
        ("t.tif/", "auto", ("png", "t.tif/town_mask.png", "t.tif/town_probabilities.npy")),
        ("there.tif", "auto", ("png", "there.tif/town_mask.png", "there.tif/town_probabilities.npy")),
        ("maps.v2", "auto", ("png", "maps.v2/town_mask.png", "maps.v2/town_probabilities.npy")),
    ],
)
def test_the_output_for_a_single_image_may_be_a_file(output, form, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there.tif").mkdir()
    assert planned(ONE, output, form, True) == [expected]


def test_confidence_is_called_after_its_mask_and_has_its_format():
    assert planned(TWO, "out", "auto", False, False, True) == [
        ("png", "out/a_mask.png", "out/a_confidence.png"),
        ("gtiff", "out/b_mask.tif", "out/b_confidence.tif"),
    ]
    for output, expected in (("t.png", "t"), ("maps/x_mask.TIF", "maps/x"), ("t.tiff", "t")):
        (job,) = plan_jobs(ONE, output, "auto", False, confidence=True)
        assert str(job.confidence) == f"{expected}_confidence{job.mask.suffix}"


@pytest.mark.parametrize(
    ("images", "output", "form", "line"),
    [
        (ONE, "t.jpg", "auto", r"t\.jpg: not the name of a map\. Choose one that ends in .*\.tif, \.tiff"),
        (ONE, "t.vrt", "auto", r"t\.vrt: not the name of a map\."),
        (TWO, "t.tif", "auto", r"t\.tif: one file for 2 maps\. Name a folder\."),
        (ONE, "t.png", "cog", r"t\.png: not a name for --format cog\. Change one of them\."),
        (ONE, "t.tif", "png", r"t\.tif: not a name for --format png\. Change one of them\."),
    ],
)
def test_an_impossible_output_is_refused(images, output, form, line):
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
    return [job.name for job in check_jobs(jobs, output, [Path("m")], overwrite=overwrite)]


def test_masks_beside_their_images_are_kept_and_never_replaced(images):
    assert new(images, "in") == ["b"]
    assert new({"b": images["b"]}, "in", overwrite=True) == ["b"]
    for options in ({"overwrite": True}, {"probabilities": True}):
        for folder in ("in", "in/../in", str(Path.cwd() / "in")):
            with pytest.raises(LandcoverError, match=r"a_mask\.png: exists already, in the folder of the images"):
                new(images, folder, **options)


def test_a_folder_that_a_link_leads_to_counts_as_a_folder_of_images(images):
    Path("links").mkdir()
    Path("links", "a_sat.png").symlink_to("../in/a_sat.png")
    with pytest.raises(LandcoverError, match="may be the truth"):
        new({"a": Path("links/a_sat.png")}, "in", overwrite=True)


def test_maps_elsewhere_are_replaced_only_if_asked(images):
    Path("out").mkdir()
    Path("out", "a_mask.png").touch()
    assert new(images, "out") == ["b"]
    assert new(images, "out", overwrite=True) == ["a", "b"]


def test_a_mask_without_its_confidence_is_drawn_again(images):
    Path("out").mkdir()
    jobs = plan_jobs(images, "out", "auto", False, confidence=True)
    for name in ("a_mask.png", "a_confidence.png", "b_mask.png"):
        Path("out", name).touch()
    assert [job.name for job in check_jobs(jobs, "out", [Path("m")])] == ["b"]


def test_confidence_replaces_neither_the_model_nor_an_image(images):
    Path("t_confidence.png").touch()
    jobs = plan_jobs({"t": Path("t_confidence.png")}, "t.png", "auto", False, confidence=True)
    with pytest.raises(LandcoverError, match=r"t_confidence\.png: an input"):
        check_jobs(jobs, "t.png", [Path("m")])
    with pytest.raises(LandcoverError, match=r"t_confidence\.png: an input"):
        check_jobs(plan_jobs(ONE, "t.png", "auto", False, confidence=True), "t.png", [Path("t_confidence.png")])
