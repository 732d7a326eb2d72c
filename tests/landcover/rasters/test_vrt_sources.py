import pytest
from hits import scene, vrt

from landcover.rasters.vrt_sources import is_vrt, read_vrt, sources
from landcover.system.errors import LandcoverError


def names(folder, text):
    """Sources of a VRT of this text, by their names."""
    (folder / "a.vrt").write_text(text)
    return [source.path.name for source in sources(read_vrt(folder / "a.vrt"), folder / "a.vrt", folder)]


@pytest.fixture
def files(tmp_path):
    for name in "bcd":
        scene(tmp_path / f"{name}.tif")
    return tmp_path


def test_sources_are_named_whatever_the_case_of_their_tags_as_gdal_reads_them(files):
    text = vrt("b.tif", relative=1)
    assert names(files, text) == ["b.tif"] * 3
    assert names(files, text.replace("SourceFilename", "sourcefileNAME")) == ["b.tif"] * 3
    assert names(files, text.replace("relativeToVRT", "relativetovrt")) == ["b.tif"] * 3


def test_sources_of_masks_overviews_and_warped_vrts_are_named(files):
    one = '<SourceFilename relativeToVRT="1">{}.tif</SourceFilename>'
    band = f"<MaskBand><VRTRasterBand><SimpleSource>{one.format('c')}</SimpleSource></VRTRasterBand></MaskBand>"
    band += f"<Overview>{one.format('d')}</Overview>"
    assert set(names(files, vrt("b.tif", relative=1, band=band))) == {"b.tif", "c.tif", "d.tif"}
    options = '<GDALWarpOptions><SourceDataset relativeToVRT="1">b.tif</SourceDataset></GDALWarpOptions>'
    assert names(files, f'<VRTDataset subClass="VRTWarpedDataset">{options}</VRTDataset>') == ["b.tif"]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><VRTDataset>&x;</VRTDataset>',
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><VRTDataset>&y;</VRTDataset>',
        "<VRTDataset>&x;</VRTDataset>",
        "<VRTDataset>",
        "",
        "no xml",
        '<?xml version="1.0" encoding="none"?><VRTDataset/>',
        "<OtherDataset/>",
        '<VRTDataset subClass="VRTProcessedDataset"/>',
        '<vrtdataset SUBCLASS="vrtprocesseddataset"/>',
        '<VRTDataset><VRTRasterBand subClass="VRTSomethingNew"/></VRTDataset>',
        "<VRTDataset><GDALWarpOptions><DEMPath>/etc/passwd</DEMPath></GDALWarpOptions></VRTDataset>",
        "<VRTDataset><GeoLocTransformer/></VRTDataset>",
    ],
)
def test_what_cannot_be_checked_is_an_error_in_one_line(tmp_path, text):
    with pytest.raises(LandcoverError, match=r"a\.vrt: ") as error:
        names(tmp_path, text)
        raise AssertionError(text[:60])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["", ".", "b", "vrt://b.tif", "<VRTDataset></VRTDataset>", "GTIFF_DIR:1:b.tif", "\u00e9"]
)
def test_a_source_is_a_regular_file(files, name):
    with pytest.raises(LandcoverError, match=r"a\.vrt: its source .* is not (readable|a file on this machine)"):
        names(files, vrt(name, relative=1))


def test_a_file_is_a_vrt_by_its_first_bytes(tmp_path):
    for content, expected in ((b"<VRTDataset>", True), (b" \n<vrtdataset", True), (b"II*\0<VRTDataset>", False)):
        (tmp_path / "a").write_bytes(content)
        assert is_vrt(tmp_path / "a") == expected
