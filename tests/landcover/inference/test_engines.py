import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from conftest import BACKBONE, TABLE

from landcover.images.image_spec import ImageSpec
from landcover.inference.engines import TorchEngine, engine_for, engine_in_words, find_engine
from landcover.inference.options import ENGINES, InferenceOptions
from landcover.inference.passes import in_threads
from landcover.inference.prediction import label_image
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, Network, build
from landcover.system.errors import LandcoverError

FOUR = ImageSpec(("red", "green", "blue", "nir"), "float32", (0.4,) * 4, (0.2,) * 4)


def network_of(architecture=None, **images):
    """A network in evaluation mode that sees all classes."""
    torch.manual_seed(0)
    network = build(architecture or Architecture("fcn1s", BACKBONE), len(TABLE), **images).eval()
    if architecture is None:
        torch.nn.init.normal_(network.decoder.pixel_score[-1].weight)
    return network


@pytest.fixture(scope="module")
def network():
    return network_of()


@pytest.fixture
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def noise(height, width, bands=3):
    return np.random.default_rng(0).integers(256, size=(height, width, bands), dtype=np.uint8)


def labelled(network, image, options, *, scale=1.0):
    """Labels (H, W), confidence (H, W) and probabilities (C, H, W)."""
    confidence, probabilities = [], []
    outputs = {"confidence": confidence.append, "probabilities": lambda strip: probabilities.append(strip.copy())}
    labels = label_image(Model(network, TABLE, scale), image, options, **outputs)
    return labels, np.concatenate(confidence), np.concatenate(probabilities, 1)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    "options",
    [{}, {"tta": "d4"}, {"window": 64}, {"window": 64, "tta": "flip", "batch_size": 3, "overlap": 0.5}],
    ids=str,
)
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_all_engines_label_as_pytorch_does(network, engine, options, scale):
    pytest.importorskip(engine)
    image = noise(117, 231)
    ours = labelled(network, image, InferenceOptions(engine=engine, **options), scale=scale)
    torchs = labelled(network, image, InferenceOptions(engine="torch", **options), scale=scale)
    assert len(np.unique(torchs[0])) > 1
    assert (ours[0] == torchs[0]).mean() >= 0.9999
    assert abs(ours[1].astype(int) - torchs[1]).max() <= 1
    np.testing.assert_allclose(ours[2], torchs[2], atol=1e-4)


def test_images_of_any_bands_are_labelled_by_onnxruntime():
    network = network_of(images=FOUR)
    image = np.random.default_rng(0).random((70, 101, 4), np.float32)
    ours, torchs = (labelled(network, image, InferenceOptions(engine=name)) for name in ("onnxruntime", "torch"))
    assert (ours[0] == torchs[0]).mean() >= 0.9999
    np.testing.assert_allclose(ours[2], torchs[2], atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"tta": "d4"}, {"window": 64}], ids=str)
def test_with_onnxruntime_maps_do_not_depend_on_the_number_of_threads(network, threads, options):
    made = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        chosen = InferenceOptions(engine="onnxruntime", **options)
        confidence = []
        label_image(Model(network, TABLE, 1.0), noise(130, 201), chosen, confidence=confidence.append)
        made.append((*labelled(network, noise(130, 201), chosen), np.concatenate(confidence)))
    for other in made[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(made[0], other, strict=True))


@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "backbone"),
    [
        *(("fcn8s", "resnet18"), ("fcn8s", "convnext_tiny"), ("fcn8s", "efficientnet_b0")),
        *(("unet", "tf_efficientnet_lite0"), ("segformer", "mobilenet_v2"), ("upernet", "resnet18")),
        *(("deeplabv3plus", "tf_efficientnet_lite2"), ("pspnet", "resnet18"), ("fcn8s_deconv5", "vgg11")),
        *(("fcn1s", "mobilenet_v3_large"), ("baseline", None)),
    ],
)
def test_networks_of_all_kinds_give_the_logits_of_pytorch_and_the_same_with_any_threads(model, backbone):
    network = network_of(Architecture(model, backbone))
    engine = find_engine(network, "onnxruntime")
    for size in ((64, 64), (97, 250), (256, 288)):
        image = torch.rand(1, 3, *size)
        with torch.inference_mode():
            expected = network(image)
        first, *others = (engine.forward(1, count)(image) for count in (1, 2, 5))
        torch.testing.assert_close(first, expected, rtol=1e-3, atol=1e-4 * float(expected.std()) + 1e-6)
        assert all(torch.equal(first, other) for other in others)


def test_auto_is_onnxruntime_on_a_cpu_and_pytorch_elsewhere(network):
    assert find_engine(network, "auto").name == "onnxruntime"
    assert engine_in_words(network, "auto").startswith("onnxruntime 1.")
    elsewhere = build(network.architecture, 2).to("meta")
    assert isinstance(find_engine(elsewhere, "auto"), TorchEngine)
    with pytest.raises(LandcoverError, match="onnxruntime: it computes on CPUs only, but the network is on meta"):
        find_engine(elsewhere, "onnxruntime")


def test_the_engine_of_workers_is_that_of_their_device(network):
    assert engine_for(network, "auto", "cpu") == "onnxruntime"
    assert engine_for(network, "auto", "cuda") == "torch"
    assert engine_for(network, "torch", "cpu") == "torch"


def test_without_the_package_auto_is_pytorch_and_its_name_is_an_error(monkeypatch):
    network = network_of()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if not installed
    assert isinstance(find_engine(network, "auto"), TorchEngine)
    with pytest.raises(LandcoverError, match=r"engine = onnxruntime: the package onnxruntime is not installed\."):
        find_engine(network, "onnxruntime")


class _SizesAreRecorded(torch.nn.Module):
    """Computes otherwise for the size of which a graph is recorded."""

    stride = 1

    def forward(self, image, features):
        return image * int(image.shape[2]) + torch.arange(3.0)[:, None, None]


class _CannotBeExported(torch.nn.Module):
    """Computes outside PyTorch."""

    stride = 1

    def forward(self, image, features):
        return torch.fft.fft2(image).real


@pytest.mark.parametrize("decoder", [_SizesAreRecorded(), _CannotBeExported()])
def test_a_network_that_cannot_be_exported_runs_in_pytorch(decoder):
    backbone = torch.nn.Conv2d(3, 3, 1)
    network = Network(
        Architecture("fcn1s", "own"), ImageSpec(mean=(0.5,) * 3, std=(0.2,) * 3), backbone, decoder
    ).eval()
    assert isinstance(find_engine(network, "auto"), TorchEngine)
    with pytest.raises(LandcoverError, match="engine = onnxruntime: fcn1s on own cannot be run by it") as raised:
        find_engine(network, "onnxruntime")
    assert len(str(raised.value).splitlines()) == 1


def test_an_engine_is_made_once_and_again_when_the_weights_change():
    network, image = network_of(), torch.rand(1, 3, 64, 64)
    engine = find_engine(network, "auto")
    before = engine.forward(1, 1)(image)
    assert find_engine(network, "onnxruntime") is engine
    with torch.no_grad():
        network.decoder.pixel_score[-1].weight *= 2
        expected = network(image)
    after = find_engine(network, "auto").forward(1, 1)(image)
    torch.testing.assert_close(after, expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(before, after, atol=1e-3)


def test_threads_compute_with_as_many_threads_as_they_are_told(threads):
    torch.set_num_threads(2)
    assert set(in_threads(lambda _: torch.get_num_threads(), range(6), 2, 1)) == {1}
    assert torch.get_num_threads() == 2
    assert set(in_threads(lambda _: torch.get_num_threads(), range(6), 2, 2)) == {2}


def test_an_unknown_engine_is_an_error():
    with pytest.raises(LandcoverError, match=f"engine = 'tpu': should be one of {', '.join(ENGINES)}"):
        InferenceOptions(engine="tpu")
