from pathlib import Path

import pytest

from landcover.images.tiff_bands import check_tiff_bands
from landcover.system.errors import LandcoverError


def tags(*items, count=3):
    """Tags of a TIFF by number, with bands' (role, text)."""
    lines = "".join(
        f'<Item name="X" sample="{band}" role="{role}">{text}</Item>' for band, (role, text) in enumerate(items)
    )
    return {277: count, 42112: f"<GDALMetadata>{lines}</GDALMetadata>\0"}


def test_colour_interpretations_count_where_there_are_no_names():
    with pytest.raises(LandcoverError, match="red, green and blue as bands 3, 2 and 1"):
        check_tiff_bands(Path("a.tif"), tags(("colorinterp", "Blue"), ("colorinterp", "Green"), ("colorinterp", "Red")))
    check_tiff_bands(Path("a.tif"), tags(("colorinterp", "Red"), ("colorinterp", "Green"), ("colorinterp", "Blue")))


@pytest.mark.parametrize(
    "xml", ["", "no xml", "<a>", "<!DOCTYPE a><GDALMetadata/>", "<other><Item sample='x'/></other>"]
)
def test_other_metadata_say_nothing(xml):
    check_tiff_bands(Path("a.tif"), {277: 3, 42112: xml})


def test_one_band_has_any_name():
    check_tiff_bands(Path("a.tif"), tags(("description", "nir"), count=1))
