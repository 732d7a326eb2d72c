import json

import numpy as np
import page_data

from landcover.classes.class_table import UNKNOWN
from landcover.report.content import Labelled
from landcover.report.pixels import COMPACT, EXACT, pixel_block, reduced, size_block
from landcover.report.reduction import middles


def blocks_of(labelled, encoding=COMPACT):
    """As a page would have them."""
    item = {"id": "0", "name": "a", **size_block(labelled)}
    return json.loads(json.dumps({"report": {"items": [item]}, "pixels-0": pixel_block(labelled, encoding)}))


def test_where_there_is_room_everything_is_exact():
    rng = np.random.default_rng(0)
    labels, confidence = (rng.integers(255, size=(300, 20), dtype=np.uint8) for _ in range(2))
    image = rng.integers(256, size=(300, 20, 3), dtype=np.uint8)
    layers = page_data.layers(blocks_of(Labelled(labels, image, confidence=confidence), EXACT), "a")
    assert (layers["prediction"] == labels).all() and (layers["image"] == image).all()
    assert (layers["confidence"] == confidence).all()


def test_labels_are_exact_and_the_image_hardly_differs():
    rng = np.random.default_rng(0)
    labels, other = (rng.choice([0, 1, 5, UNKNOWN], size=(30, 50)).astype(np.uint8) for _ in range(2))
    rows, columns = np.mgrid[:30, :50]
    image = np.stack([rows * 8, columns * 5, rows + columns], 2).astype(np.uint8)
    labelled = Labelled(labels, image, truth=other, other=labels.T.reshape(30, 50), bands="nir, red, green")
    blocks = blocks_of(labelled)
    layers = page_data.layers(blocks, "a")
    assert (layers["prediction"] == labels).all() and (layers["truth"] == other).all()
    assert (layers["other"] == labels.T.reshape(30, 50)).all() and layers["confidence"] is None
    assert abs(layers["image"].astype(int) - image).mean() < 4
    (item,) = blocks["report"]["items"]
    assert item["has"] == {"image": True, "truth": True, "prediction": True, "other": True, "confidence": False}
    assert [item[key] for key in ("height", "width", "reduction", "bands", "degrees")] == [
        30,
        50,
        1,
        labelled.bands,
        None,
    ]


def test_confidence_is_within_a_hundredth_and_only_what_has_no_data_is_0():
    confidence = np.arange(256, dtype=np.uint8).reshape(16, 16)
    layers = page_data.layers(blocks_of(Labelled(np.zeros((16, 16), np.uint8), confidence=confidence)), "a")
    found = layers["confidence"].astype(int)
    assert ((found == 0) == (confidence == 0)).all()
    assert abs(found - confidence).max() <= 2.55
    assert found[15, 15] == 255


def test_confidence_of_larger_images_is_the_mean_of_areas_with_data():
    confidence = np.zeros((600, 300), np.uint8)
    confidence[:301, :] = 100
    blocks = blocks_of(Labelled(np.zeros((600, 300), np.uint8), confidence=confidence))
    found = page_data.layers(blocks, "a")["confidence"]
    assert blocks["pixels-0"]["confidence"]["reduction"] == 3
    assert found.shape == (200, 100)
    assert (found[:101] == 100).all() and (found[101:] == 0).all()


def test_large_images_are_reduced_by_a_whole_factor_and_the_page_knows_it():
    labels = np.random.default_rng(0).integers(6, size=(2100, 900), dtype=np.uint8)
    image = np.full((2100, 900, 3), 77, np.uint8)
    shown = reduced(Labelled(labels, image, truth=labels[::-1]))
    assert (shown.prediction == middles(labels, 3)).all() and (shown.truth == middles(labels[::-1], 3)).all()
    assert shown.image.shape == (700, 300, 3) and (shown.image == 77).all()
    size = size_block(shown)
    keys = ("height", "width", "reduction", "source_height", "source_width")
    assert [size[key] for key in keys] == [700, 300, 3, 2100, 900]
    assert reduced(shown) is shown
