from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import write_geotiff
from PIL import Image
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.rasters.raster import open_raster
from landcover.rasters.scenes import Scene, find_scenes, open_scene
from landcover.system.errors import LandcoverError


def noise(bands, height, width, dtype=np.uint8, top=256):
    return np.random.default_rng(0).integers(1, top, size=(bands, height, width)).astype(dtype)


def write(path, pixels, pixel=10, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_geotiff(path, pixels, transform=from_origin(500_000, 5_000_000, pixel, pixel), **options)


def found(root, scenes):
    return {scene.name: [str(path.relative_to(root)) for path in scene.files] for scene in find_scenes(root, scenes)}


@pytest.fixture
def root(tmp_path):
    for name in (
        "a.tif",
        "s/b.tif",
        "s/c.TIFF",
        "s/deep/d.jp2",
        "s/.hidden.tif",
        "s/e.png",
        "s/f.jpg",
        "s/g.jpg",
        "h.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("s/f.jpg.aux.xml", "s/g.jgw", "s/readme.txt", "s/b.tif.aux.xml"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("scenes", "names"),
    [
        ("a.tif", "a"),
        ("h.png", "h"),
        ("s", "bcdfg"),
        ("s/", "bcdfg"),
        ("./s/*", "bcdfg"),
        ("s/*.tif", "b"),
        ("**/*.jp2", "d"),
        (["a.tif", "s/deep"], "ad"),
        (["s/b.tif", "s/*.tif", "s"], "bcdfg"),
        (".", "abcdfg"),
    ],
)
def test_scenes_are_files_folders_patterns_and_lists_of_these(root, scenes, names):
    assert list(found(root, scenes)) == list(names)


def test_absolute_paths_are_taken_if_they_lie_in_the_root(root, monkeypatch):
    assert list(found(root, str(root / "s" / "*.tif"))) == ["b"]
    monkeypatch.chdir(root)
    assert list(found(Path("s"), "b.tif")) == ["b"]
    assert list(found(Path("s"), str(root / "s" / "b.tif"))) == ["b"]


@pytest.mark.parametrize(
    ("scenes", "message"),
    [
        ("../x.tif", r"^\.\./x\.tif: not in .*, in which everything that `scenes` names must be\. Put it there\.$"),
        ("s/../../x.tif", "not in"),
        ("/etc", "^/etc: not in"),
        ("x.tif", r"x\.tif: no such file or folder\. Name another in `scenes`\.$"),
        ("s/*.vrt", r"s/\*\.vrt: nothing fits .*\. Name another in `scenes`\.$"),
        ("s/*.txt", r"s/\*\.txt: nothing fits"),
        ("empty", r"empty: no file of a scene in it \(\.tif, .*\)\. Name another in `scenes`\.$"),
        ("**.tif", r"\*\*\.tif: not a pattern \(.*\)\. Name another in `scenes`\.$"),
        (["a.tif", ""], r"^`scenes` = \['a\.tif', ''\]: names nothing"),
        ([], r"^`scenes` = \[\]: names nothing"),
    ],
)
def test_what_is_not_there_or_outside_is_an_error(root, scenes, message):
    (root / "empty").mkdir()
    with pytest.raises(LandcoverError, match=message):
        find_scenes(root, scenes)


def test_two_scenes_of_one_name_are_an_error_that_names_both(root):
    (root / "s" / "a.tif").touch()
    with pytest.raises(LandcoverError, match=r"s/a\.tif: .*/a\.tif has the same name, a\. Rename one of them\."):
        find_scenes(root, ".")


def test_a_root_that_is_no_folder_is_an_error(tmp_path):
    with pytest.raises(LandcoverError, match="nowhere: no such folder"):
        find_scenes(tmp_path / "nowhere", "a.tif")


def test_sentinel_2_products_are_one_scene_each(tmp_path):
    product = "S2A_MSIL2A_20230601T103629_N0509_R008_T32UNU_20230601T174558.SAFE"
    images = tmp_path / "s2" / product / "GRANULE" / "L2A_T32UNU_A041453" / "IMG_DATA"
    for pixel, bands in {
        10: ("B02", "B03", "B04", "B08", "TCI"),
        20: ("B02", "B05", "B8A", "SCL"),
        60: ("B09",),
    }.items():
        for band in bands:
            write(
                images / f"R{pixel}m" / f"T32UNU_20230601T103629_{band}_{pixel}m.tif", noise(1, 120 // pixel, 24), pixel
            )
    write(images.parent / "QI_DATA" / "MSK_CLDPRB_20m.tif", noise(1, 4, 5))
    write(tmp_path / "s2" / product / "preview.tif", noise(3, 4, 5))
    for wanted in ("s2", f"s2/{product}", "s2/*.SAFE"):
        (scene,) = find_scenes(tmp_path, wanted)
        assert scene.name == "T32UNU_20230601T103629"
        assert [path.stem.split("_")[2] for path in scene.files] == ["B02", "B03", "B04", "B05", "B08", "B8A", "B09"]
        assert scene.files[0].parent.name == "R10m"


def test_folders_of_bands_are_called_like_the_folder(tmp_path):
    for folder in ("one", "two"):
        for band in ("red", "nir"):
            write(tmp_path / "s" / folder / f"{band}.tif", noise(1, 4, 5))
    assert found(tmp_path, "s") == {name: [f"s/{name}/nir.tif", f"s/{name}/red.tif"] for name in ("one", "two")}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"crs": "EPSG:4326"}])
def test_windows_are_those_of_the_file_in_its_own_type(tmp_path, dtype, options):
    pixels = write(tmp_path / "a.tif", noise(4, 50, 40, dtype, 100), **options)
    pixels = pixels.astype(np.float32) if dtype == "float64" else pixels
    with open_scene(Scene.of(tmp_path / "a.tif"), [4, 2]) as reader:
        part, valid = reader.read_window(Window(7, 11, 20, 30))
        assert part.dtype == reader.dtype == pixels.dtype
        assert (part == pixels[[3, 1], 11:41, 7:27].transpose(1, 2, 0)).all() and valid is None
        assert (reader.read(3, 9) == pixels[[3, 1], 3:9].transpose(1, 2, 0)).all() and reader.valid_mask(0, 50) is None
        assert (reader.height, reader.width, reader.names) == (
            50,
            40,
            ("band 4", "green" if dtype == "uint8" else "band 2"),
        )
        assert reader.grid.crs == options.get("crs", "EPSG:32633") and reader.grid.transform.c == 500_000


def test_pixels_are_valid_where_all_bands_have_finite_data(tmp_path):
    pixels = noise(3, 50, 40, np.float64, 100)
    pixels[0, 5, 6], pixels[1, 7, 8], pixels[2, 9, 10], pixels[0, 11, 12] = -9999, np.nan, np.inf, 1e300
    write(tmp_path / "a.tif", pixels, nodata=-9999)
    with open_scene(Scene.of(tmp_path / "a.tif"), [1, 2, 3]) as reader:
        _, valid = reader.read_window(Window(0, 0, 40, 50))
        assert np.argwhere(~valid).tolist() == [[5, 6], [7, 8], [9, 10], [11, 12]]
        assert reader.read_window(Window(0, 20, 40, 30))[1] is None


def test_colours_are_valid_where_one_band_has_data(tmp_path):
    pixels = noise(3, 50, 40)
    pixels[:, 3], pixels[:2, 4] = 0, 0
    write(tmp_path / "a.tif", pixels, nodata=0, photometric="rgb")
    with open_scene(Scene.of(tmp_path / "a.tif")) as reader:
        assert reader.names == ("red", "green", "blue")
        _, valid = reader.read_window(Window(0, 0, 40, 50))
        assert np.flatnonzero(~valid.all(1)).tolist() == [3]


def test_scenes_without_bands_are_red_green_and_blue_as_predict_finds_them(tmp_path):
    pixels = write(tmp_path / "a.tif", noise(4, 9, 7), photometric="rgb")
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        for band, name in enumerate(["blue", "green", "red", "nir"], 1):
            file.set_band_description(band, name)
    scene = Scene.of(tmp_path / "a.tif")
    with open_scene(scene) as reader, open_raster(scene) as raster:
        assert (reader.read(0, 9) == pixels[[2, 1, 0]].transpose(1, 2, 0)).all()
        assert (reader.read(0, 9) == raster.read(0, 9)).all()


@pytest.mark.parametrize(
    ("count", "dtype", "message"),
    [
        (3, "uint16", r"a\.tif: its pixels are uint16, not 8 bits\. Choose its bands in `bands`"),
        (13, "float32", r"a\.tif: its pixels are float32, not 8 bits\. Choose its bands in `bands`"),
        (6, "uint8", r"a\.tif: it is not clear which of its 6 bands are red, green and blue .* in `bands`"),
    ],
)
def test_scenes_of_other_images_need_their_bands_named(tmp_path, count, dtype, message):
    write(tmp_path / "a.tif", noise(count, 9, 7, dtype, 100))
    with pytest.raises(LandcoverError, match=message), open_scene(Scene.of(tmp_path / "a.tif")):
        pass


def test_cogs_vrts_and_jpegs_with_a_sidecar_are_scenes(tmp_path):
    pixels = write(tmp_path / "plain.tif", noise(3, 64, 64), photometric="rgb")
    rasterio.shutil.copy(tmp_path / "plain.tif", tmp_path / "cog.tif", driver="COG")
    rasterio.shutil.copy(tmp_path / "plain.tif", tmp_path / "vrt.vrt", driver="VRT")
    rasterio.shutil.copy(
        tmp_path / "plain.tif", tmp_path / "lossless.jp2", driver="JP2OpenJPEG", quality=100, reversible=True
    )
    rasterio.shutil.copy(tmp_path / "plain.tif", tmp_path / "png.png", driver="PNG")
    Image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / "world.jpg", quality=100)
    (tmp_path / "world.jgw").write_text("10\n0\n0\n-10\n500005\n4999995\n")
    assert (tmp_path / "png.png.aux.xml").exists()
    scenes = find_scenes(tmp_path, ".")
    assert [scene.name for scene in scenes] == ["cog", "lossless", "plain", "png", "vrt", "world"]
    for scene in scenes:
        with open_scene(scene) as reader:
            assert reader.grid.transform == from_origin(500_000, 5_000_000, 10, 10)
            assert (reader.grid.crs is None) == (scene.name == "world")
            part, _ = reader.read_window(Window(3, 4, 20, 10))
            assert scene.name == "world" or (part == pixels[:, 4:14, 3:23].transpose(1, 2, 0)).all()


def test_vrts_with_sources_elsewhere_are_read_only_if_that_is_allowed(tmp_path):
    write(tmp_path / "a.tif", noise(3, 9, 7), photometric="rgb")
    (tmp_path / "s").mkdir()
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "s" / "a.vrt", driver="VRT")
    (scene,) = find_scenes(tmp_path, "s")
    with pytest.raises(LandcoverError, match=r"a\.vrt: its source .* is not in the VRT's folder"), open_scene(scene):
        pass
    with open_scene(scene, allow_vrt_paths=True) as reader:
        assert reader.width == 7


def test_bands_in_files_of_their_own_are_found_by_name_and_mapped_as_one_raster(tmp_path):
    names = ("B02", "B03", "B04", "B08", "B8A")
    pixels = [
        write(tmp_path / f"T32UNU_{name}.tif", noise(1, 40, 30, np.uint16, 4000) + i, nodata=0)
        for i, name in enumerate(names)
    ]
    (scene,) = find_scenes(tmp_path, ".")
    assert str(scene.path) == str(tmp_path / "T32UNU_B*.tif")
    with open_scene(scene, ["nir", "red", "nir08", 1]) as reader:
        assert reader.names == ("nir", "red", "nir08", "B02")
        part, valid = reader.read_window(Window(1, 2, 20, 30))
        assert (part == np.concatenate(pixels)[[3, 2, 4, 0], 2:32, 1:21].transpose(1, 2, 0)).all() and valid is None
    with (
        pytest.raises(LandcoverError, match=r"T32UNU_B\*\.tif: its bands are not those that are wanted .*swir16"),
        open_scene(scene, ["swir16"]),
    ):
        pass


def test_threads_read_one_scene_together(tmp_path):
    pixels = write(
        tmp_path / "a.tif",
        noise(3, 256, 256, np.uint16, 9000),
        tiled=True,
        blockxsize=32,
        blockysize=32,
        compress="deflate",
    )
    windows = [Window(x, y, 60, 50) for y in range(0, 200, 20) for x in range(0, 190, 30)]
    with open_scene(Scene.of(tmp_path / "a.tif"), [1, 2, 3]) as reader, ThreadPoolExecutor(4) as pool:
        for window, (part, _) in zip(windows, pool.map(reader.read_window, windows), strict=True):
            assert (part == pixels[:, *window.toslices()].transpose(1, 2, 0)).all()
