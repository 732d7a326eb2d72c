import numpy as np
import pytest

from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_strips
from landcover.inference.strips import ArrayStrips
from landcover.models.model_file import Model, load_model
from landcover.scale.strips import cut, strip_ends


@pytest.mark.parametrize("pixels", [2**23, 2000])
@pytest.mark.parametrize("scale", [1.0, 0.37])
@pytest.mark.parametrize("size", [(300, 130), (64, 64), (1, 1), (129, 64)])
def test_strips_end_where_those_of_a_single_process_end(model_file, size, scale, pixels, monkeypatch):
    for module in ("inference.probabilities", "scale.strips"):
        monkeypatch.setattr(f"landcover.{module}.STRIP_PIXELS", pixels)
    model, options = load_model(model_file), InferenceOptions(window=64)
    model = Model(model.network, model.classes, scale)
    strips = label_strips(model, ArrayStrips(np.zeros((*size, 3), np.uint8)), options)
    assert np.cumsum([len(strip) for strip in strips]).tolist() == strip_ends(*size, scale, options)


def test_with_smaller_scales_windows_overlap_further_and_so_strips_are_more(model_file):
    model, ends = load_model(model_file), {}
    image = ArrayStrips(np.zeros((900, 64, 3), np.uint8))
    for scales in ((1,), (0.5,)):
        options = InferenceOptions(window=256, overlap=0.1, scales=scales)
        strips = label_strips(model, image, options)
        ends[scales] = np.cumsum([len(strip) for strip in strips]).tolist()
        assert ends[scales] == strip_ends(900, 64, model.scale, options)
    assert len(ends[0.5,]) > len(ends[1,])  # windows that overlap further are more


@pytest.mark.parametrize("ends", [[7], [1, 2, 7], [3, 6, 7]])
def test_strips_are_cut_anew(ends):
    rows = np.arange(14).reshape(1, 7, 2)
    strips = list(cut((rows[:, top : top + 3] for top in (0, 3, 6)), ends))
    assert np.cumsum([strip.shape[1] for strip in strips]).tolist() == ends
    assert (np.concatenate(strips, 1) == rows).all()
