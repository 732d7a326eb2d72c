"""Whatever bytes, values, names and sizes come in: an answer that holds, or a LandcoverError in one line."""

import io
import json
import struct
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, TABLE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from safetensors.torch import save

from landcover.classes.class_files import read_class_table
from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.colours import pack
from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_masks, find_samples
from landcover.inference.tiling import ALIGNMENT, windows
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from stages import evaluate, predict, prepare, report
from stages.common.data_block import Data
from stages.common.params import read_block
from stages.common.scale_block import Scale

quick = settings(max_examples=100, derandomize=True, deadline=None, database=None)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=8,
)
COLOURS = [*TABLE.colours.values(), TABLE.ignore[1], (255, 0, 0), (0, 0, 1), (254, 255, 255)]


def refused(function, *arguments):
    """The result of a function, or None if it refuses its input in one line."""
    try:
        return function(*arguments)
    except LandcoverError as error:
        assert error.lines
        assert all(line.isprintable() for line in error.lines)
        assert len(str(error).splitlines()) == len(error.lines) <= 20


SIZES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9)


@quick
@given(arrays.arrays(np.uint8, SIZES.map(lambda size: (*size, 3))))
def test_any_pixels_are_a_class_or_ignored_and_counted(mask):
    labels, off_palette = TABLE.decode(pack(mask))
    assert labels.shape == mask.shape[:2]
    assert set(np.unique(labels)) <= {0, 1, 2, UNKNOWN}
    known = {*TABLE.colours.values(), TABLE.ignore[1]}
    assert sum(off_palette.values()) == sum(tuple(map(int, pixel)) not in known for pixel in mask.reshape(-1, 3))
    assert list(off_palette.values()) == sorted(off_palette.values(), reverse=True)


@quick
@given(st.lists(st.lists(st.sampled_from(COLOURS), min_size=1, max_size=6), min_size=1, max_size=1))
def test_what_was_decoded_encodes_to_the_same_colours_but_for_off_palette_pixels(rows):
    mask = np.array(rows, np.uint8)
    labels, off_palette = TABLE.decode(pack(mask))
    again = TABLE.encode(labels)
    same = (again == mask).all(2)
    assert (~same).sum() == sum(off_palette.values())
    assert (again[~same] == TABLE.ignore[1]).all()


NAMES = st.builds(
    "{}{}{}".format,
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), max_size=6) | st.sampled_from("ab"),
    st.sampled_from(["_sat", "_mask", "_sat_mask", "", "_SAT"]),
    st.sampled_from([".png", ".jpg", ".tif", ".PNG", ".txt", ""]),
).filter(lambda name: name not in ("", ".", ".."))


@quick
@given(st.sets(NAMES, max_size=12))
def test_any_names_are_paired_by_name_or_refused(names):
    with TemporaryDirectory() as folder:
        for name in names:
            Path(folder, name).touch()
        samples = refused(find_samples, Path(folder)) or []
        for sample in samples:
            assert sample.image.name.rpartition(".")[0] == f"{sample.name}_sat"
            assert sample.mask.name.rpartition(".")[0] == f"{sample.name}_mask"
            assert sample.image.parent == sample.mask.parent == Path(folder)
        used = {path.name for sample in samples for path in (sample.image, sample.mask)}
        ends = tuple(f"{kind}{suffix}" for kind in ("_sat", "_mask") for suffix in (".png", ".tif", ".PNG"))
        assert not samples or used >= {name for name in names if name.endswith(ends)}
        refused(find_masks, Path(folder), True)


PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
KINDS = {
    "data": Data,
    "prepare": prepare.Prepare,
    "train": Recipe,
    "predict": predict.Predict,
    "evaluate": evaluate.Evaluate,
    "report": report.Page,
    "scale": Scale,
}
KEYS = [(block, key) for block in KINDS for key in PARAMS[block]]


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "params.yaml"


def test_any_value_of_any_parameter_is_accepted_or_refused(params):
    @quick
    @given(st.sampled_from(KEYS), ANYTHING)
    def check(place, value):
        block, key = place
        params.write_text(yaml.safe_dump(PARAMS | {block: PARAMS[block] | {key: value}}))
        refused(read_block, block, KINDS[block])

    check()


def test_any_file_of_parameters_is_accepted_or_refused(params):
    @quick
    @given(st.binary(max_size=60) | st.text("[]{}:-&*!|>%@,?#'\"\\ \n\tab01.", max_size=40).map(str.encode))
    @example(b"prepare: &a [*a, *a]\n")
    @example(b"2019-02-31")
    def check(content):
        params.write_bytes(content)
        refused(read_block, "prepare", prepare.Prepare)
        refused(read_class_table, params)

    check()


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    architecture = Architecture("baseline", None)
    torch.manual_seed(0)
    save_model(Model(build(architecture, 3), TABLE, 1.0), path)
    return path.read_bytes()


def header_of(content: bytes) -> tuple[dict, bytes]:
    """The header of a model file, and the rest."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def with_header(header: object, rest: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def test_any_metadata_make_a_model_or_are_refused(model_bytes, tmp_path):
    header, rest = header_of(model_bytes)
    description = json.loads(header["__metadata__"]["landcover"])
    path = tmp_path / "m.safetensors"

    @quick
    @given(st.sampled_from([*description, "other"]), ANYTHING)
    def check(key, value):
        text = json.dumps(description | {key: value})
        path.write_bytes(with_header(header | {"__metadata__": {"landcover": text}}, rest))
        refused(load_model, path)
        refused(read_class_table, path)

    check()


def test_any_header_makes_a_model_or_is_refused(model_bytes, tmp_path):
    header, rest = header_of(model_bytes)
    path = tmp_path / "m.safetensors"

    @quick
    @given(st.sampled_from([*header]), st.sampled_from(["dtype", "shape", "data_offsets", "more"]), ANYTHING)
    def check(key, part, value):
        changed = value if part == "more" else header[key] | {part: value}
        path.write_bytes(with_header(header | {key: changed}, rest))
        refused(load_model, path)
        refused(read_class_table, path)

    check()


def test_any_damage_to_a_model_file_makes_a_model_or_is_refused(model_bytes, tmp_path):
    path = tmp_path / "m.safetensors"
    size = len(model_bytes) - len(header_of(model_bytes)[1])

    @quick
    @given(st.integers(0, size), st.binary(min_size=1, max_size=8), st.integers(0, 8))
    def check(place, new, dropped):
        path.write_bytes(model_bytes[:place] + new + model_bytes[place + dropped :])
        refused(load_model, path)

    check()


def image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(256, size=(9, 11, 3), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore")  # Pillow's, which the programs do not show either
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "gif", "bmp", "webp"])
def test_any_damage_to_an_image_makes_an_image_or_is_refused(kind, tmp_path):
    whole, path = image(kind), tmp_path / "a_sat.png"

    @quick
    @given(st.integers(0, len(whole)), st.binary(max_size=4), st.integers(0, 8))
    def check(place, new, dropped):
        path.write_bytes(whole[:place] + new + whole[place + dropped :])
        rgb = refused(read_rgb, path)
        assert rgb is None or (rgb.dtype, rgb.shape[2:]) == (np.uint8, (3,))

    check()


@quick
@given(st.integers(1, 5000), st.integers(2, 40).map(lambda n: n * ALIGNMENT), st.floats(0, 0.99))
@example(65, 64, 0.99)
@example(1, 64, 0.0)
def test_windows_of_any_size_and_overlap_cover_every_pixel_and_weigh_one(length, window, overlap):
    total, covered = torch.zeros(length), torch.zeros(length, dtype=torch.bool)
    for part in windows(length, window, overlap):
        assert part.start % ALIGNMENT == 0
        assert 0 < part.stop - part.start <= window
        assert part.weight.shape == (part.stop - part.start,)
        assert part.weight.min() >= 0
        total[part.start : part.stop] += part.weight
        covered[part.start : part.stop] |= part.weight > 0
    assert covered.all()
    torch.testing.assert_close(total, torch.ones(length))


@quick
@given(ANYTHING)
def test_any_class_table_is_one_or_raises_what_it_says(content):
    with suppress(ValueError, LookupError, TypeError, AttributeError, LandcoverError):
        ClassTable.from_json(content)


def test_weights_of_other_types_are_refused_or_finite(model_bytes, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(model_bytes)
    network = load_model(path).network
    metadata = header_of(model_bytes)[0]["__metadata__"]
    for kind in (torch.float16, torch.bfloat16, torch.float64, torch.int32, torch.bool, torch.complex64):
        weights = {name: tensor.contiguous().to(kind) for name, tensor in network.state_dict().items()}
        path.write_bytes(save(weights, metadata))
        model = refused(load_model, path)
        assert (model is not None) == kind.is_floating_point
