import numpy as np
import pytest
from conftest import draw_pair, landcover, write_geotiff

from landcover.cli.inputs import find_inputs
from landcover.rasters.scenes import find_scenes
from landcover.system.errors import LandcoverError


@pytest.fixture
def scene(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(3, 60, 600), dtype=np.uint8)
    write_geotiff(tmp_path / "s.tif", pixels)
    return tmp_path / "s.tif"


@pytest.mark.long
def test_workers_draw_the_same_files(model_file, scene, tmp_path):
    draw_pair(tmp_path, "a", 40, 50)
    (tmp_path / "broken.png").write_bytes(b"no image")
    inputs = ("predict", "s.tif", "a_sat.png", "broken.png", "-m", "m.safetensors", "--window", "64", "--confidence")
    alone = landcover(*inputs, "-o", "alone", folder=tmp_path)
    many = landcover(*inputs, "-o", "many", "--workers", 1, "--block", 512, folder=tmp_path)
    assert many.returncode == alone.returncode == 1
    assert (alone.stdout, many.stdout) == ("alone: 2 masks\n", "many: 2 masks; 2 blocks\n")
    assert many.stderr.splitlines()[-1].startswith("error: ")
    assert "broken.png: not readable" in many.stderr
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("alone", "many"))
    assert one == other
    again = landcover(*inputs[:3], *inputs[4:], "-o", "many", "--workers", 1, folder=tmp_path)
    assert again.stdout == "many: 0 masks; 2 kept (--overwrite draws them again)\n"  # and no worker was started


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--workers", "-1"), 2, "Invalid value for '--workers': -1: give a whole number from 0"),
        (("--workers", "2", "--block", "500"), 2, "Invalid value for '--block': 500: give a multiple of 512 from 512"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), 1, "error: `workers` = 2: are processes of this"),
    ],
)
def test_options_that_make_no_sense_are_one_line(model_file, scene, tmp_path, options, code, message):
    done = landcover("predict", "s.tif", "-m", "m.safetensors", "-o", "out", *options, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_blocks_of_an_unfinished_map_are_no_inputs(scene, tmp_path):
    (tmp_path / "maps" / "s_mask.blocks").mkdir(parents=True)
    scene.rename(tmp_path / "maps" / "s_mask.blocks" / "r0000_c0000.tif")
    for pattern in (f"{tmp_path}/**/*.tif", f"{tmp_path}/maps/*/*.tif"):
        with pytest.raises(LandcoverError, match="no file matches"):
            find_inputs([pattern])
    with pytest.raises(LandcoverError, match="no file of a scene in it"):
        find_scenes(tmp_path, "maps")
