import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from conftest import landcover, write_geotiff
from hits import (
    counting_server,
    documents,
    name_overviews,
    name_overviews_beside,
    raw_vrt,
    remote_names,
    scene,
    vrt,
)
from rasterio.enums import Resampling

from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.raster import open_raster
from landcover.system.errors import LandcoverError

LARGE = 2100  # pixels: percentiles are taken of fewer, so that overviews are looked for
REMOTE = list(remote_names(""))
DOCUMENTS = list(documents(""))


@pytest.fixture(scope="module")
def hits():
    """A server's requests; services that need keys believe to have them, and to be at that server."""
    with counting_server() as hits, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_S3_ENDPOINT": hits.address,
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "CPL_GS_ENDPOINT": f"http://{hits.address}/",
            "GS_NO_SIGN_REQUEST": "YES",
        }.items():
            patch.setenv(name, value)
        yield hits


@pytest.fixture
def asked(hits):
    """The same, without what earlier tests asked."""
    hits.clear()
    return hits


def read(path, **options):
    """All rows as `landcover predict` reads them; percentiles as well."""
    with open_raster(path, stretch=(2, 98), **options) as raster:
        raster.valid_mask(0, raster.height)
        return raster.read(0, raster.height)


def pixels_of(path, **options):
    with open_dataset(path, **options) as dataset, raster_errors(path):
        return dataset.read()


def test_the_server_would_be_asked_by_gdal_left_to_itself(tmp_path, asked):
    (tmp_path / "a.tif").write_text(vrt(f"http://{asked.address}/x.tif"))
    # In a process of its own: a command that ran in this one may have removed GDAL's formats for services.
    code = f"import rasterio; rasterio.open({str(tmp_path / 'a.tif')!r}).read()"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode
    assert asked


@pytest.mark.parametrize("kind", REMOTE)
def test_overviews_elsewhere_that_a_tiff_names_are_ignored(tmp_path, asked, kind):
    scene(tmp_path / "a.tif", LARGE)
    expected = read(tmp_path / "a.tif")
    name_overviews(tmp_path / "a.tif", remote_names(asked.address)[kind])
    assert (read(tmp_path / "a.tif") == expected).all()
    assert not asked


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "jp2"])
def test_overviews_elsewhere_that_a_file_beside_names_are_ignored(tmp_path, asked, suffix):
    path = tmp_path / f"a.{suffix}"
    scene(path, LARGE)
    for name in (f"/vsicurl/http://{asked.address}/x.tif", f"http://{asked.address}/x.tif"):
        name_overviews_beside(path, name)
        assert read(path).shape == (LARGE, 64, 3)
    assert not asked


def test_a_local_file_is_no_overview_either_unless_it_is_beside(tmp_path):
    scene(tmp_path / "a.tif", LARGE)
    expected = read(tmp_path / "a.tif")
    (tmp_path / "b").mkdir()
    write_geotiff(tmp_path / "b" / "b.tif", np.full((3, LARGE // 2, 32), 7, np.uint8))
    name_overviews(tmp_path / "a.tif", str(tmp_path / "b" / "b.tif"))
    assert (read(tmp_path / "a.tif") == expected).all()


def test_overviews_in_the_file_or_in_a_tiff_beside_it_are_used(tmp_path):
    for external in (False, True):
        path = tmp_path / f"{external}.tif"
        scene(path, LARGE)
        with rasterio.Env(TIFF_USE_OVR=external), rasterio.open(path, "r+") as file:
            file.build_overviews([2], Resampling.average)
        assert (tmp_path / f"{external}.tif.ovr").exists() == external
        with open_dataset(path) as dataset:
            assert dataset.overviews(1) == [2]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_an_overview_file_beside_that_is_no_tiff_is_ignored(tmp_path, asked, kind):
    scene(tmp_path / "a.tif", LARGE)
    (tmp_path / "a.tif.ovr").write_text(documents(asked.address)[kind])
    read(tmp_path / "a.tif")
    assert not asked


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("suffix", ["tif", "jp2", "png", "jpg"])
def test_a_document_is_no_image_whatever_its_name(tmp_path, asked, kind, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text(documents(asked.address)[kind])
    with pytest.raises(LandcoverError, match=rf"a\.{suffix}: not readable as an image \(not recognized"):
        read(path)
    assert not asked


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_mask_beside_that_is_no_tiff_is_an_error(tmp_path, asked, kind):
    scene(tmp_path / "a.tif")
    (tmp_path / "a.tif.msk").write_text(documents(asked.address)[kind])
    with pytest.raises(LandcoverError, match=r"a\.tif: .*the mask beside it, a\.tif\.msk, is not a plain TIFF"):
        read(tmp_path / "a.tif")
    assert not asked


def test_a_mask_beside_that_is_a_tiff_masks(tmp_path):
    scene(tmp_path / "a.tif")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.write_mask(np.eye(64, dtype=bool))
    assert (tmp_path / "a.tif.msk").exists()
    with open_raster(tmp_path / "a.tif") as raster:
        assert (raster.valid_mask(0, 64) == np.eye(64, dtype=bool)).all()


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("kind", REMOTE)
def test_a_vrt_reads_local_files_only(tmp_path, asked, kind, allow):
    name = remote_names(asked.address)[kind]
    (tmp_path / "a.vrt").write_text(vrt(name))
    with pytest.raises(
        LandcoverError, match=r"a\.vrt: its source .* is not (readable \(No such file|a file on this machine)"
    ):
        read(tmp_path / "a.vrt", allow_vrt_paths=allow)
    (tmp_path / "b.vrt").write_text(vrt("a.vrt", relative=1))
    (tmp_path / "c.vrt").write_text(vrt("c.tif", relative=1))
    (tmp_path / "c.tif").write_text(vrt(name))  # GDAL looks into a file, not at its name
    for path in (tmp_path / "b.vrt", tmp_path / "c.vrt"):
        with pytest.raises(LandcoverError, match=r"its source .* is not (readable|a file on this machine)"):
            read(path, allow_vrt_paths=allow)
    assert not asked


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in DOCUMENTS if "vrt" not in kind])
def test_a_source_of_a_vrt_is_no_document(tmp_path, asked, kind, allow):
    (tmp_path / "b.tif").write_text(documents(asked.address)[kind])
    (tmp_path / "a.vrt").write_text(vrt("b.tif", relative=1))
    with pytest.raises(LandcoverError, match=r"b\.tif: not readable as a VRT \(it is <"):
        read(tmp_path / "a.vrt", allow_vrt_paths=allow)
    assert not asked


@pytest.mark.parametrize(
    "polyglot", [b"P5 64 64 255 #<GDALTileIndexDataset>", b"\xff\xd8\xff\xfe\x1a\x1a<GDAL_WMS>", b"  \n<VRTDataset"]
)
def test_a_source_that_looks_like_a_document_to_any_format_is_none(tmp_path, polyglot):
    (tmp_path / "b.tif").write_bytes(polyglot + b" " * 5000)
    (tmp_path / "a.vrt").write_text(vrt("b.tif", relative=1))
    with pytest.raises(LandcoverError, match=r"b\.tif: not readable as a VRT"):
        read(tmp_path / "a.vrt")


@pytest.mark.parametrize("where", ["tags", "beside", "vrt", "within"])
def test_overviews_elsewhere_of_a_vrt_and_its_sources_are_not_asked_for(tmp_path, asked, where):
    name = f"/vsicurl/http://{asked.address}/x.tif"
    top = f'<Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{name}</MDI></Metadata>'
    scene(tmp_path / "b.tif", LARGE, LARGE)
    (tmp_path / "a.vrt").write_text(vrt("b.tif", size=LARGE, relative=1, top=top if where in ("vrt", "within") else ""))
    if where == "vrt":
        assert read(tmp_path / "a.vrt").shape == (LARGE, LARGE, 3)
    else:
        if where == "within":
            (tmp_path / "c.vrt").write_text(vrt("a.vrt", size=LARGE, relative=1))
        else:
            {"tags": name_overviews, "beside": name_overviews_beside}[where](tmp_path / "b.tif", name)
        with pytest.raises(LandcoverError, match="its overviews are in another file"):
            read(tmp_path / ("c.vrt" if where == "within" else "a.vrt"))
    assert not asked


def test_a_reference_system_is_not_fetched(tmp_path, asked):
    scene(tmp_path / "b.tif")
    text = vrt("b.tif", relative=1).replace("EPSG:32633", f"http://{asked.address}/crs")
    (tmp_path / "a.vrt").write_text(text)
    read(tmp_path / "a.vrt")
    assert not asked


def test_a_folder_with_such_files_is_predicted_but_for_them(tmp_path, asked, model_file):
    (tmp_path / "in").mkdir()
    for suffix in ("tif", "png", "jpg"):
        (tmp_path / "in" / f"bad_{suffix}.{suffix}").write_text(documents(asked.address)["wms"])
    scene(tmp_path / "in" / "tags.tif", LARGE)
    name_overviews(tmp_path / "in" / "tags.tif", f"/vsicurl/http://{asked.address}/x.tif")
    done = landcover(
        "predict", "in", "-m", model_file, "-o", "out", "--format", "gtiff", "--stretch", "2,98", folder=tmp_path
    )
    assert done.returncode == 1
    assert [line[:30] for line in sorted(done.stderr.splitlines())] == [
        "error: in/bad_jpg.jpg: not rea",
        "in/bad_png.png: not readable a",
        "in/bad_tif.tif: not readable a",
    ]
    assert [path.name for path in (tmp_path / "out").glob("*.tif")] == ["tags_mask.tif"]
    assert not asked


def test_a_program_has_no_web_services_among_its_formats():
    code = "from landcover.rasters.access import skip_services; skip_services(); import rasterio\n"
    code += "with rasterio.Env() as env: print(*env.drivers())"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {"HTTP", "WMS", "WCS", "WMTS", "GTI", "STACIT"} & set(done.stdout.split())
    assert {"GTiff", "COG", "VRT"} <= set(done.stdout.split())


def mosaic(folder):
    """Two images beside a VRT, side by side; and what it should read as."""
    return np.concatenate([scene(folder / f"{name}.tif", seed=seed) for seed, name in enumerate("bc")], axis=2)


@pytest.mark.parametrize("kind", ["relative", "absolute", "below", "linked folder", "of the working folder"])
def test_a_mosaic_of_files_beside_or_below_it_is_read(tmp_path, monkeypatch, kind):
    folder = tmp_path / "below" if kind == "below" else tmp_path
    folder.mkdir(exist_ok=True)
    expected = mosaic(folder)
    names = {"below": ["below/b.tif", "below/c.tif"], "absolute": [str(tmp_path / "b.tif"), str(tmp_path / "c.tif")]}
    relative = 0 if kind in ("absolute", "of the working folder") else 1
    (tmp_path / "a.VRT").write_text(vrt(*names.get(kind, ["b.tif", "c.tif"]), relative=relative))
    path = tmp_path / "a.VRT"
    if kind == "linked folder":
        (tmp_path / "link").symlink_to(tmp_path)
        path = tmp_path / "link" / "a.VRT"
    if kind == "of the working folder":
        monkeypatch.chdir(tmp_path)
    assert (pixels_of(path) == expected).all()


def test_nodata_of_a_mosaic_is_kept(tmp_path):
    mosaic(tmp_path)
    text = vrt("b.tif", "c.tif", relative=1, band="<NoDataValue>0</NoDataValue>")
    (tmp_path / "a.vrt").write_text(text.replace('rasterXSize="128"', 'rasterXSize="150"'))
    with open_raster(tmp_path / "a.vrt") as raster:
        assert (raster.valid_mask(0, 64) == (np.arange(150) < 128)).all()
        assert raster.place["crs"] == "EPSG:32633"


def test_a_vrt_of_a_vrt_is_read(tmp_path):
    expected = mosaic(tmp_path)
    (tmp_path / "inner.vrt").write_text(vrt("b.tif", "c.tif", relative=1))
    outer = vrt("inner.vrt", size=128, relative=1).replace('rasterYSize="128"', 'rasterYSize="64"')
    (tmp_path / "outer.vrt").write_text(outer.replace('ySize="128"', 'ySize="64"'))
    assert (pixels_of(tmp_path / "outer.vrt") == expected).all()


def test_vrts_that_gdal_writes_are_read(tmp_path):
    write_geotiff(tmp_path / "b.tif", np.random.default_rng(0).integers(1, 9, (4, 70, 50), dtype=np.uint8), nodata=3)
    rasterio.shutil.copy(tmp_path / "b.tif", tmp_path / "a.vrt", driver="VRT")
    with rasterio.open(tmp_path / "b.tif") as expected, open_dataset(tmp_path / "a.vrt") as dataset:
        assert (dataset.read() == expected.read()).all()
        assert (dataset.colorinterp, dataset.nodatavals) == (expected.colorinterp, expected.nodatavals)
        assert dataset.transform == expected.transform


def outside(folder):
    """A VRT whose source is in another folder; and what it reads as."""
    (folder / "vrt").mkdir()
    expected = scene(folder / "b.tif")
    (folder / "vrt" / "a.vrt").write_text(vrt("../b.tif", relative=1))
    return folder / "vrt" / "a.vrt", expected


def test_a_source_outside_the_folder_is_read_only_if_that_is_allowed(tmp_path):
    path, expected = outside(tmp_path)
    with pytest.raises(LandcoverError, match=r"a\.vrt: its source \.\./b\.tif is not in the VRT's folder.*--allow-vrt"):
        pixels_of(path)
    assert (pixels_of(path, allow_vrt_paths=True) == expected).all()
    (tmp_path / "vrt" / "link.tif").symlink_to(tmp_path / "b.tif")
    path.write_text(vrt("link.tif", relative=1))
    with pytest.raises(LandcoverError, match=r"its source link\.tif is not in the VRT's folder"):
        pixels_of(path)
    assert (pixels_of(path, allow_vrt_paths=True) == expected).all()


def test_the_command_allows_it_too(tmp_path, model_file):
    path, _ = outside(tmp_path)
    command = ("predict", path, "-m", model_file, "-o", "out")
    assert "add --allow-vrt-paths" in landcover(*command, folder=tmp_path).stderr
    done = landcover(*command, "--allow-vrt-paths", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "a_mask.tif").exists()


@pytest.mark.parametrize("name", ["/etc/passwd", "../../../../../../../../etc/passwd"])
def test_bytes_of_other_files_are_no_pixels(tmp_path, name):
    (tmp_path / "a.vrt").write_text(raw_vrt(name, relative=1))
    with pytest.raises(LandcoverError, match="is not in the VRT's folder"):
        pixels_of(tmp_path / "a.vrt")
    (tmp_path / "b.vrt").write_text(vrt("a.vrt", relative=1))
    with pytest.raises(LandcoverError, match="is not in the VRT's folder"):
        pixels_of(tmp_path / "b.vrt")


def test_bytes_of_a_file_beside_a_vrt_are_pixels(tmp_path):
    (tmp_path / "b.raw").write_bytes(bytes(range(256)))
    (tmp_path / "a.vrt").write_text(raw_vrt("b.raw", relative=1))
    assert (pixels_of(tmp_path / "a.vrt")[0].ravel() == np.arange(256)).all()


@pytest.mark.parametrize("allow", [False, True])
@pytest.mark.parametrize("text", [vrt, raw_vrt])
def test_a_pipe_or_a_device_is_an_error_at_once(tmp_path, text, allow):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link", "/dev/zero"):
        (tmp_path / "a.vrt").write_text(text(name, relative=1))
        with pytest.raises(LandcoverError, match=r"a\.vrt: its source .* is not readable \(no regular file\)"):
            pixels_of(tmp_path / "a.vrt", allow_vrt_paths=allow)


@pytest.mark.parametrize("name", ["a.tfw", "a.wld", "a.tif.aux.xml", "a.tif.ovr", "a.tif.msk", "a.aux", "a_rpc.txt"])
def test_a_pipe_beside_an_image_is_an_error_at_once(tmp_path, name):
    scene(tmp_path / "a.tif")
    scene(tmp_path / "b.tif")
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / "a.tif", tmp_path / "c.vrt"):
        (tmp_path / "c.vrt").write_text(vrt("a.tif", relative=1))
        with pytest.raises(LandcoverError, match=rf"a\.tif: .*{name} beside it is a pipe or a device"):
            pixels_of(path)
    pixels_of(tmp_path / "b.tif")


@pytest.mark.parametrize("loop", ["a.vrt", "b.vrt"])
def test_a_vrt_within_itself_is_an_error(tmp_path, loop):
    (tmp_path / "a.vrt").write_text(vrt("b.vrt" if loop == "b.vrt" else "a.vrt", relative=1))
    (tmp_path / "b.vrt").write_text(vrt("a.vrt", relative=1))
    with pytest.raises(LandcoverError, match="a VRT within itself"):
        pixels_of(tmp_path / "a.vrt")


def test_a_mask_of_its_own_beside_a_vrt_is_an_error(tmp_path):
    mosaic(tmp_path)
    (tmp_path / "a.vrt").write_text(vrt("b.tif", relative=1))
    scene(tmp_path / "d.tif")
    (tmp_path / "d.tif").rename(tmp_path / "a.vrt.msk")
    with pytest.raises(LandcoverError, match=r"a\.vrt: a VRT with a mask in a file of its own"):
        pixels_of(tmp_path / "a.vrt")


def test_python_in_a_vrt_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("GDAL_VRT_ENABLE_PYTHON", "YES")
    mosaic(tmp_path)
    code = f"def f(*args, **kwargs):\n  open({str(tmp_path / 'run')!r}, 'w')"
    text = vrt(
        "b.tif",
        relative=1,
        band=f"<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python"
        f"</PixelFunctionLanguage><PixelFunctionCode>{code}</PixelFunctionCode>",
    )
    (tmp_path / "a.vrt").write_text(text.replace("<VRTRasterBand", '<VRTRasterBand subClass="VRTDerivedRasterBand"'))
    with pytest.raises(LandcoverError, match=r"a\.vrt: not readable as an image"):
        pixels_of(tmp_path / "a.vrt")
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_not_utf_8_is_an_error(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.tif")
    scene(tmp_path / "a.tif")
    (tmp_path / "a.tif").rename(path)
    with pytest.raises(LandcoverError, match=r"the path is not in UTF-8"):
        pixels_of(path)


def test_a_name_that_describes_something_to_gdal_is_that_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("GTIFF_DIR:2:b.tif", "WMS:b.tif", "a?b#c.tif", "zip+s3:a.tif", "a!b.tif"):
        expected = scene(tmp_path / "a.tif")
        (tmp_path / "a.tif").rename(name)
        assert (pixels_of(type(tmp_path)(name)) == expected).all()


def test_a_vrt_that_nests_too_deeply_is_an_error(tmp_path):
    (tmp_path / "a.vrt").write_text("<VRTDataset>" + "<a>" * 100_000 + "</a>" * 100_000 + "</VRTDataset>")
    with pytest.raises(LandcoverError, match=r"a\.vrt: not readable as an image"):
        pixels_of(tmp_path / "a.vrt")
