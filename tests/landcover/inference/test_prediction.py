from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import BACKBONE
from PIL import Image
from torch.nn import functional

from landcover.classes.class_table import UNKNOWN
from landcover.inference import prediction
from landcover.inference.options import TTA, InferenceOptions
from landcover.inference.prediction import label_image, label_strips
from landcover.inference.strips import ArrayStrips
from landcover.inference.tiling import windows
from landcover.inference.views import views_of
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError

FCN1S = Architecture("fcn1s", BACKBONE)
D4 = InferenceOptions(tta="d4")


@pytest.fixture
def model(classes):
    torch.manual_seed(0)
    network = build(FCN1S, len(classes)).eval()
    torch.nn.init.normal_(network.decoder.pixel_score[-1].weight)  # untrained skips contribute: many classes appear
    return Model(network, classes, 1.0)


def noise(height, width):
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("tta", TTA)
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("size", [(1, 1), (97, 131), (64, 64), (200, 3)])
def test_labels_have_the_size_of_the_image_whatever_it_is(model, classes, size, scale, tta):
    labels = label_image(Model(model.network, classes, scale), noise(*size), InferenceOptions(tta=tta))
    assert labels.shape == size
    assert labels.dtype == np.uint8
    assert labels.max() < len(classes)  # unknown is never predicted


def test_with_all_symmetries_labels_turn_with_the_image(model):
    image = noise(96, 96)
    labels = label_image(model, image, D4)
    assert len(np.unique(labels)) > 1
    for symmetry in (np.rot90, np.fliplr, np.flipud):
        assert (label_image(model, symmetry(image), D4) == symmetry(labels)).mean() > 0.999


def test_with_the_flip_labels_are_mirrored_with_the_image(model):
    image = noise(64, 96)
    flip = InferenceOptions(tta="flip")
    assert (label_image(model, image[:, ::-1], flip) == label_image(model, image, flip)[:, ::-1]).mean() > 0.999


def test_several_scales_are_averaged(model):
    image = noise(97, 131)

    def probabilities(*scales):
        found = []
        label_image(
            model, image, InferenceOptions(scales=scales), probabilities=lambda strip: found.append(strip.copy())
        )
        return np.concatenate(found, 1)

    alone = [probabilities(scale) for scale in (0.5, 1, 1.5)]
    assert np.abs(alone[0] - alone[2]).max() > 0.01
    np.testing.assert_allclose(probabilities(0.5, 1, 1.5), np.mean(alone, 0), atol=1e-6)


def test_with_smaller_scales_windows_overlap_further_and_so_strips_are_more(model):
    strips = {}
    for scales in ((1,), (0.5,)):
        options = InferenceOptions(window=256, overlap=0.1, scales=scales)
        strips[scales] = [*label_strips(model, ArrayStrips(np.zeros((900, 64, 3), np.uint8)), options)]
        assert sum(map(len, strips[scales])) == 900
    assert len(strips[0.5,]) > len(strips[1,])  # windows that overlap further are more


def test_at_another_scale_the_network_sees_what_it_would_at_that_working_resolution(model, classes):
    image = smooth(256, 320) // 2 + noise(256, 320) // 2
    labels = label_image(model, image, InferenceOptions(scales=(0.5,)))
    at_half, at_full = label_image(Model(model.network, classes, 0.5), image), label_image(model, image)
    assert (labels == at_half).mean() > 0.9 > 0.8 > (labels == at_full).mean()


@pytest.mark.parametrize("tta", ["flip", "d4"])
def test_views_find_their_way_back(tta):
    image = torch.rand(2, 3, 32, 64)
    for view in views_of(InferenceOptions(tta=tta)):
        assert view.undone(view.of(image), 32, 64).equal(image)


@pytest.mark.parametrize(
    ("scale", "options"),
    [
        (1.0, InferenceOptions()),
        (1.0, InferenceOptions(tta="d4")),
        (0.5, InferenceOptions(scales=(0.75, 1.25))),
        (0.5, InferenceOptions()),
        (1.0, InferenceOptions(window=64, overlap=0.25)),
    ],
    ids=["from logits", "views", "scales", "upsampled", "blended"],
)
def test_confidence_is_the_probability_of_the_class_and_changes_no_label(model, classes, scale, options):
    model, image = Model(model.network, classes, scale), noise(97, 131)
    strips, probabilities = [], []
    labels = label_image(model, image, options, confidence=strips.append)
    np.testing.assert_array_equal(labels, label_image(model, image, options))
    label_image(model, image, options, probabilities=lambda strip: probabilities.append(strip.copy()))
    confidence = np.concatenate(strips)
    assert (confidence.shape, confidence.dtype) == (labels.shape, np.uint8)
    largest = np.concatenate(probabilities, 1).max(0)
    np.testing.assert_allclose(confidence, largest * 255, atol=0.51)
    assert len(np.unique(confidence)) > 20


def test_equal_logits_keep_their_first_class_with_confidence(model, classes):
    for weights in model.network.parameters():
        torch.nn.init.zeros_(weights)
    strips = []
    labels = label_image(model, noise(40, 30), confidence=strips.append)
    assert not labels.any()
    assert (np.concatenate(strips) == 255 // len(classes)).all()


def test_a_certain_network_has_a_confidence_of_255_and_none_where_there_is_no_data(model):
    torch.nn.init.constant_(model.network.decoder.pixel_score[-1].bias, 0)
    model.network.decoder.pixel_score[-1].bias.data[1] = 1e4
    valid, strips = np.ones((40, 30), bool), []
    valid[:9, 5:] = False
    labels = np.concatenate([*label_strips(model, ArrayStrips(noise(40, 30), valid=valid), confidence=strips.append)])
    np.testing.assert_array_equal(labels, np.where(valid, 1, UNKNOWN))
    np.testing.assert_array_equal(np.concatenate(strips), np.where(valid, 255, 0))


def test_the_class_is_chosen_after_upsampling(model, classes):
    half = Model(model.network, classes, 0.5)
    labels = label_image(half, noise(64, 64))
    blocks = labels.reshape(32, 2, 32, 2).swapaxes(1, 2).reshape(-1, 4)
    assert (blocks != blocks[:, :1]).any()  # classes chosen before it would be constant in each 2x2 block


def smooth(height, width):
    """An image whose colour changes slowly."""
    coarse = torch.rand(1, 3, height // 16 + 2, width // 16 + 2, generator=torch.Generator().manual_seed(0))
    fine = functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]
    return (fine.permute(1, 2, 0) * 255).byte().numpy()


@pytest.fixture
def near_sighted(classes):
    """The baseline, whose logits depend on some fifty pixels around; balanced so that every class appears."""
    torch.manual_seed(0)
    architecture = Architecture("baseline", None)
    network = build(architecture, len(classes)).eval()
    with torch.inference_mode():
        logits = network(torch.from_numpy(smooth(225, 200)).permute(2, 0, 1)[None].float() / 255)
        network.decoder[-1].bias -= logits.mean((0, 2, 3))
    return Model(network, classes, 1.0)


def near_borders(length, scaled, window):
    """bool (length,): within 8 pixels of where a window begins or ends inside the image."""
    near = np.zeros(length, bool)
    for found in windows(scaled, window, 0.25):
        for border in {found.start, found.stop} - {0, scaled}:
            middle = border * length // scaled
            near[middle - 8 : middle + 8] = True
    return near


# With flips, sides are multiples of 32: others are padded on one side, which a flip swaps, and so shifts the strides.
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize(
    ("options", "size"),
    [(InferenceOptions(), (225, 199)), (D4, (256, 192)), (InferenceOptions(scales=(0.5,)), (384, 256))],
    ids=["plain", "d4", "smaller"],
)
def test_labels_in_windows_are_those_of_the_whole_at_borders_too(near_sighted, classes, options, size, scale):
    model = Model(near_sighted.network, classes, scale)
    window = int(128 * scale * options.reach)
    whole = label_image(model, smooth(*size), options)
    assert len(np.unique(whole)) == len(classes)
    agreed = label_image(model, smooth(*size), replace(options, window=window)) == whole
    rows, columns = (near_borders(length, round(length * scale), window) for length in size)
    borders = rows[:, None] | columns
    assert agreed.mean() >= 0.98
    assert agreed[borders].mean() >= agreed[~borders].mean() - 0.0002  # two pixels in 10,000


@pytest.mark.parametrize("chunk", [1, 1000, prediction.CHUNK])
@pytest.mark.parametrize("window", [64, 512])
def test_labels_are_the_most_probable_classes(near_sighted, window, chunk, monkeypatch):
    monkeypatch.setattr(prediction, "CHUNK", chunk)  # one row, a few rows, all rows at a time
    strips = []
    options = InferenceOptions(window=window)
    labels = label_image(
        near_sighted, smooth(97, 300), options, probabilities=lambda strip: strips.append(strip.copy())
    )
    assert (labels == np.concatenate(strips, 1).argmax(0)).all()


def test_batches_of_windows_give_the_labels_of_single_windows(near_sighted):
    one, four = (InferenceOptions(window=64, batch_size=size) for size in (1, 4))
    image = smooth(97, 300)
    assert (label_image(near_sighted, image, one) == label_image(near_sighted, image, four)).mean() > 0.999


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.8])
@pytest.mark.parametrize("size", [(1, 300), (300, 1), (129, 131), (63, 257)])
def test_windows_cover_images_of_odd_sizes(near_sighted, classes, size, overlap, scale):
    model = Model(near_sighted.network, classes, scale)
    labels = label_image(model, smooth(*size), InferenceOptions(window=64, overlap=overlap, batch_size=3))
    assert labels.shape == size
    assert (labels == label_image(model, smooth(*size))).mean() > 0.95


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_at_most_two_windows_of_rows_of_a_tall_image_are_in_memory(near_sighted, classes, scale):
    model = Model(near_sighted.network, classes, scale)

    class Tall:
        """Counts the rows that were read and not labelled yet; holds no pixels."""

        height, width, is_tiled, read_up_to, most = 2000, 40, False, 0, 0

        def read(self, top, bottom, left, right):
            assert self.read_up_to - 1 <= top <= self.read_up_to
            self.read_up_to = bottom
            self.most = max(self.most, bottom - labelled)
            return np.full((bottom - top, right - left, 3), 128, np.uint8)

        def valid_mask(self, top, bottom, left, right):
            assert top == labelled
            return None

    image, labelled = Tall(), 0
    for strip in label_strips(model, image, InferenceOptions(window=64)):
        assert strip.shape[1] == image.width
        labelled += len(strip)
    assert labelled == image.read_up_to == image.height
    assert image.most <= 2 * 64 / scale


def test_a_single_window_gives_the_class_of_the_largest_logit(model):
    image = noise(64, 96)
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255)
    assert (label_image(model, image) == logits.argmax(1)[0].numpy()).all()


GREY = np.arange(64 * 48, dtype=np.uint8).reshape(64, 48)
RGB = np.stack([GREY] * 3, -1)
WRONG = {
    "floats to 1": (RGB / 255, r"ndarray of float64 \(64, 48, 3\), values 0 to 1 \(scale 0\.\.1 to 0\.\.255: "),
    "floats to 255": (RGB.astype(np.float32), r"ndarray of float32 \(64, 48, 3\), values 0 to 255 \(round to uint8"),
    "floats beyond": (RGB * 100.0, r"values 0 to 25500 \(scale it to 0 to 255"),
    "NaN": (np.full((8, 8, 3), np.nan), r"replace what is not a number"),
    "16 bits": (RGB.astype(np.uint16) * 257, r"ndarray of uint16 .*, values 0 to 65535 \(scale it"),
    "signed": (RGB.astype(np.int16) - 9, r"ndarray of int16 .*, values -9 to 246"),
    "bits": (RGB > 9, r"ndarray of bool \(64, 48, 3\) \(make 0 and 255 of false and true"),
    "objects": (RGB.astype(object), r"ndarray of object"),
    "bands first": (np.moveaxis(RGB, -1, 0), r"uint8 \(3, 64, 48\), .*np\.moveaxis\(image, 0, -1\)"),
    "grey": (GREY, r"uint8 \(64, 48\), .*np\.stack"),
    "grey with an axis": (GREY[..., None], r"uint8 \(64, 48, 1\), .*np\.stack"),
    "alpha": (np.dstack([RGB, GREY]), r"uint8 \(64, 48, 4\), .*choose red, green and blue"),
    "two bands": (RGB[..., :2], r"uint8 \(64, 48, 2\), .*three bands"),
    "a batch": (RGB[None], r"uint8 \(1, 64, 48, 3\), .*one by one"),
    "a row": (RGB.ravel(), r"uint8 \(9216,\)"),
    "no pixels": (RGB[:0], r"uint8 \(0, 48, 3\) \(there are no pixels\)"),
    "no floats": (np.zeros((0, 5, 3)), r"float64 \(0, 5, 3\)"),
    "masked": (np.ma.masked_less(RGB, 9), r"MaskedArray of uint8 .*filled\(0\)"),
    "a list": (RGB.tolist(), r"a list \(np\.asarray"),
    "nothing": (None, r"a NoneType"),
    "a tensor": (torch.from_numpy(RGB), r"torch\.Tensor of torch\.uint8 \(64, 48, 3\) \(image\.cpu\(\)\.numpy\(\)"),
    "a PIL image": (Image.fromarray(RGB), r"a PIL image of mode RGB, 48x64 \(np\.asarray"),
    "a path": ("town.png", r"a str"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_array_that_is_not_8_bit_rgb_is_an_error_that_says_what_it_is(model, what):
    image, message = WRONG[what]
    with pytest.raises(LandcoverError, match=rf"^image: {message}|^image: .*{message}") as error:
        label_image(model, image)
    assert str(error.value).endswith("; expected is a NumPy array of uint8 (H, W, 3): red, green, blue, 0 to 255.")
    assert "\n" not in str(error.value)


def test_views_of_arrays_and_read_only_arrays_are_labelled(model):
    image = noise(40, 52)
    labels = label_image(model, image)
    assert (label_image(model, np.asfortranarray(image)) == labels).all()
    assert (label_image(model, image[::-1])[::-1][:, ::-1].shape) == labels.shape
    image.setflags(write=False)
    assert (label_image(model, image) == labels).all()
