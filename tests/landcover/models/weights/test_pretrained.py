import pickle
import re

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from safetensors.torch import save_file

from landcover.images.image_spec import RGB, ImageSpec
from landcover.models.networks import Architecture, build
from landcover.models.weights.pretrained import Loaded, load_weights
from landcover.system.errors import LandcoverError


def torchvision_weights(name, seed=1):
    """State dict of torchvision's network with running statistics other than those of an untrained one."""
    torch.manual_seed(seed)
    weights = torchvision.models.get_model(name, weights=None).state_dict()
    return {key: tensor + 0.1 if tensor.is_floating_point() else tensor + 7 for key, tensor in weights.items()}


@pytest.fixture(scope="module")
def weights():
    return torchvision_weights("resnet18")


def network(backbone="resnet18", model="fcn8s", images=RGB, **options):
    torch.manual_seed(0)
    return build(Architecture(model, backbone, **options), 3, images).eval()


def images_of(bands):
    return ImageSpec(tuple(f"b{i}" for i in range(bands)), "uint16", (0.0,) * bands, (1.0,) * bands)


def features_equal(network, name, weights):
    """Whether the backbone gives the features, averaged, that torchvision's network hands to its classifier."""
    theirs = torchvision.models.get_model(name, weights=None).eval()
    theirs.load_state_dict(weights)
    image = torch.rand(1, 3, 64, 64)
    seen = []
    theirs.avgpool.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        theirs(image)
        return network.backbone(image)[-1].equal(seen[0])


@pytest.mark.parametrize(
    "name",
    [
        *("resnet18", "mobilenet_v3_large"),
        *(pytest.param(name, marks=pytest.mark.long) for name in ("efficientnet_b0", "convnext_tiny")),
    ],
)
def test_a_backbone_with_torchvisions_weights_gives_torchvisions_features(name, tmp_path):
    weights = torchvision_weights(name)
    torch.save(weights, tmp_path / "w.pth")
    fcn = network(name)
    decoder = {key: tensor.clone() for key, tensor in fcn.decoder.state_dict().items()}
    assert not features_equal(fcn, name, weights)
    load_weights(fcn, str(tmp_path / "w.pth"))
    assert features_equal(fcn, name, weights)
    assert all(tensor.equal(decoder[key]) for key, tensor in fcn.decoder.state_dict().items())


def untouched(fcn, before):
    return all(tensor.equal(before[key]) for key, tensor in fcn.state_dict().items())


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
def test_the_classifier_and_the_batch_counters_may_be_missing(suffix, weights, tmp_path):
    path = tmp_path / f"w.{suffix}"
    features = {
        key: tensor for key, tensor in weights.items() if not key.startswith("fc.") and "num_batches" not in key
    }
    save_file(features, path) if suffix == "safetensors" else torch.save(features, path)
    fcn = network()
    load_weights(fcn, str(path))
    assert features_equal(fcn, "resnet18", weights)


def test_half_precision_weights_are_widened(weights, tmp_path):
    half = {key: tensor.half() if tensor.is_floating_point() else tensor for key, tensor in weights.items()}
    torch.save(half, tmp_path / "w.pt")
    fcn = network()
    load_weights(fcn, str(tmp_path / "w.pt"))
    assert fcn.backbone.network.conv1.weight.dtype == torch.float32
    torch.testing.assert_close(fcn.backbone.network.conv1.weight.detach(), half["conv1.weight"].float())


def test_weights_reach_a_network_that_lies_channels_last_in_memory(weights, tmp_path):
    torch.save(weights, tmp_path / "w.pt")
    fcn = network().to(memory_format=torch.channels_last)
    load_weights(fcn, str(tmp_path / "w.pt"))
    assert fcn.backbone.network.conv1.weight.equal(weights["conv1.weight"])


def test_none_leaves_the_network_as_it_is():
    fcn = network()
    before = {key: tensor.clone() for key, tensor in fcn.state_dict().items()}
    load_weights(fcn, "none")
    assert untouched(fcn, before)


@pytest.mark.long
def test_vggs_classifier_becomes_fc6_and_fc7_of_the_same_width(tmp_path):
    torch.manual_seed(1)
    theirs = torchvision.models.vgg11(weights=None, init_weights=False).eval()
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    fcn = network("vgg11", "fcn32s", context=4096)
    load_weights(fcn, str(tmp_path / "w.safetensors"))
    image = torch.rand(1, 3, 224, 224)  # 7x7 features, of which fc6 in the middle sees all
    with torch.inference_mode():
        ours = fcn.decoder.context(fcn.backbone(image)[-1])[0, :, 3, 3]
        torch.testing.assert_close(ours, theirs.classifier[:6](theirs.features(image).flatten(1))[0])

    part = {key: tensor for key, tensor in theirs.state_dict().items() if "classifier" not in key}
    torch.save(part | {"classifier.0.weight": torch.zeros(9, 9)}, tmp_path / "w.pt")
    with pytest.raises(LandcoverError, match=r"vgg11 \(classifier.0.bias is missing, .*, 1 more\)\. "):
        load_weights(fcn, str(tmp_path / "w.pt"))


def test_fc6_and_fc7_of_another_width_leave_out_vggs_classifier(tmp_path):
    with torch.device("meta"):
        keys = {
            key: tensor.shape for key, tensor in torchvision.models.vgg11(weights=None).features.state_dict().items()
        }
    weights = {f"features.{key}": torch.ones(shape) for key, shape in keys.items()}
    torch.save(weights | {"classifier.0.weight": torch.zeros(9, 9)}, tmp_path / "w.pt")
    fcn = network("vgg11", "fcn32s", context=8)
    before = {key: tensor.clone() for key, tensor in fcn.decoder.state_dict().items()}
    load_weights(fcn, str(tmp_path / "w.pt"))
    assert all(tensor.eq(1).all() for tensor in fcn.backbone.state_dict().values())
    assert all(tensor.equal(before[key]) for key, tensor in fcn.decoder.state_dict().items())


def without(weights, *keys):
    return {key: tensor for key, tensor in weights.items() if key not in keys}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: without(w, "conv1.weight"), r"the backbone resnet18 \(conv1.weight is missing\)\. "),
        (lambda w: w | {"extra": torch.zeros(1)}, r"resnet18 \(extra is unexpected\)\. "),
        (
            lambda w: w | {"conv1.weight": torch.zeros(64, 3, 5, 5)},
            r"resnet18 \(conv1.weight is 64x3x5x5, not 64x3x7x7\)\. ",
        ),
        (lambda w: w | {"bn1.bias": torch.tensor(0.0)}, r"\(bn1.bias is a number, not 64\)\. "),
        (
            lambda w: without(w, "conv1.weight", "bn1.weight", "bn1.bias") | {"x": torch.zeros(1)},
            r"\(conv1.weight is missing, bn1.weight is missing, bn1.bias is missing, 1 more\)\. ",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_none_is_loaded(change, message, weights, tmp_path):
    torch.save(change(weights), tmp_path / "w.pt")
    fcn = network()
    before = {key: tensor.clone() for key, tensor in fcn.state_dict().items()}
    with pytest.raises(LandcoverError, match=message) as error:
        load_weights(fcn, str(tmp_path / "w.pt"))
    assert str(tmp_path / "w.pt") in str(error.value)
    assert untouched(fcn, before)


class Malice:
    def __reduce__(self):
        return print, ("executed",)


@pytest.fixture(scope="module")
def fcn():
    """A network, for tests that leave it untouched."""
    return network()


@pytest.fixture(scope="module")
def wrong_files(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "empty.pt").write_bytes(b"")
    (folder / "text.pth").write_text("not weights")
    (folder / "text.safetensors").write_text("not weights")
    (folder / "pickle.pt").write_bytes(pickle.dumps(Malice()))
    torch.save({"conv1.weight": Malice()}, folder / "malice.pt")
    torch.save({"epoch": 3, "state_dict": weights}, folder / "checkpoint.pt")
    torch.save([torch.zeros(1)], folder / "list.pt")
    torch.save({}, folder / "nothing.pt")
    torch.save({0: torch.zeros(1)}, folder / "numbers.pt")
    torch.save(weights | {"conv1.weight": torch.zeros(64, 3, 7, 7).to_sparse()}, folder / "sparse.pt")
    torch.save(weights, folder / "cut.pt")
    (folder / "cut.pt").write_bytes((folder / "cut.pt").read_bytes()[:-100])
    (folder / "weights.onnx").write_bytes(b"")
    (folder / "folder.pt").mkdir()
    return folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.pt", "cannot be read|damaged"),
        ("text.pth", "damaged"),
        ("text.safetensors", "cannot be read"),
        ("pickle.pt", "damaged, or holds code"),
        ("malice.pt", "damaged, or holds code"),
        ("checkpoint.pt", r"not a state dict.* Save the one in it, under 'state_dict', alone\."),
        ("list.pt", "not a state dict"),
        ("nothing.pt", "not a state dict"),
        ("numbers.pt", "not a state dict"),
        ("sparse.pt", "not a state dict"),
        ("cut.pt", "cannot be read"),
        ("folder.pt", "cannot be read"),
        ("missing.pt", "no such file. Set it to none, imagenet or the path of a state dict"),
        ("missing.safetensors", "no such file"),
        ("weights.onnx", "cannot be read"),
    ],
)
def test_what_holds_no_weights_is_refused_in_one_line_and_never_run(name, message, wrong_files, fcn, capsys):
    before = {key: tensor.clone() for key, tensor in fcn.state_dict().items()}
    with pytest.raises(LandcoverError, match=message) as error:
        load_weights(fcn, str(wrong_files / name))
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert "executed" not in capsys.readouterr().out
    assert untouched(fcn, before)


def saved(weights, path):
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return str(path)


@pytest.mark.parametrize("prefix", ["module.", "encoder.", "module.model.backbone."])
def test_a_prefix_that_all_names_share_is_left_out(prefix, weights, tmp_path):
    fcn = network()
    prefixed = {f"{prefix}{key}": tensor for key, tensor in weights.items()}
    loaded = load_weights(fcn, saved(prefixed, tmp_path / "w.safetensors"))
    assert features_equal(fcn, "resnet18", weights)
    assert loaded == Loaded("w.safetensors")


def test_a_network_of_features_only_has_the_names_of_its_first_level_flattened(tmp_path):
    torch.manual_seed(1)
    theirs = timm.create_model("convnext_atto", features_only=True).eval()
    assert "stages_0.blocks.0.gamma" in theirs.state_dict()
    convnext = network("convnext_atto", "fcn4s")
    load_weights(convnext, saved(theirs.state_dict(), tmp_path / "w.safetensors"))
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert all(ours.equal(their) for ours, their in zip(convnext.backbone(image), theirs(image), strict=True))


def test_a_last_convolution_that_is_not_in_the_file_starts_from_random_weights_and_that_is_said(tmp_path):
    torch.manual_seed(1)
    theirs = timm.create_model("mobilenetv2_050", features_only=True).eval()
    fcn = network("mobilenetv2_050")
    before = fcn.backbone.network.conv_head.weight.clone()
    loaded = load_weights(fcn, saved(theirs.state_dict(), tmp_path / "w.safetensors"))
    assert loaded.remarks[-1] == "its last layers (bn2, conv_head) are not in it and start from random weights"
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert fcn.backbone(image)[-2].equal(theirs(image)[-2])
    assert fcn.backbone.network.conv_head.weight.equal(before)
    some = {**theirs.state_dict(), "bn2.weight": torch.ones(1280)}
    with pytest.raises(LandcoverError, match=r"conv_head.weight is missing"):
        load_weights(fcn, saved(some, tmp_path / "w.safetensors"))


@pytest.mark.parametrize(
    ("encoder", "backbone"),
    [("resnet18", "resnet18"), ("mobilenet_v2", "mobilenet_v2"), ("tu-resnet18", "resnet18")],
)
def test_encoders_of_smp_have_names_that_are_read(encoder, backbone, tmp_path):
    torch.manual_seed(1)
    theirs = smp.encoders.get_encoder(encoder, weights=None).eval()
    fcn = network(backbone)
    load_weights(fcn, saved(theirs.state_dict(), tmp_path / "w.safetensors"))
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert fcn.backbone(image)[-1].equal(theirs(image)[-1])


def test_a_file_for_a_network_that_timm_normalises_otherwise_is_said_to_be_taken_for_imagenets(tmp_path):
    theirs = timm.create_model("tf_efficientnet_lite0")
    loaded = load_weights(network("tf_efficientnet_lite0"), saved(theirs.state_dict(), tmp_path / "w.pt"))
    assert str(loaded) == "w.pt; taken to be for images normalised by ImageNet's statistics"


def test_other_names_are_matched_by_their_order_and_that_is_said(weights, tmp_path):
    # As of a network that numbers its layers.
    layers = {name: i for i, name in enumerate(dict.fromkeys(key.rpartition(".")[0] for key in weights))}
    named = {f"layers.{layers[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": t for key, t in weights.items()}
    fcn = network()
    loaded = load_weights(fcn, saved(named, tmp_path / "w.pt"))
    assert features_equal(fcn, "resnet18", weights)
    assert "matched by their order" in str(loaded)
    by_name = dict(sorted(named.items()))
    for wrong in (saved(by_name, tmp_path / "sorted.pt"), saved(named, tmp_path / "w.safetensors")):
        before = {key: tensor.clone() for key, tensor in fcn.state_dict().items()}
        with pytest.raises(LandcoverError, match="does not fit the backbone resnet18"):
            load_weights(fcn, wrong)
        assert untouched(fcn, before)


@pytest.mark.parametrize("classes", [10, pytest.param(0, marks=pytest.mark.long)])
def test_a_resnet50_of_13_bands_shaped_as_torchgeos_loads(classes, tmp_path):
    torch.manual_seed(1)
    theirs = timm.create_model("resnet50", in_chans=13, num_classes=classes).eval()
    fcn = network("resnet50", images=images_of(13))
    loaded = load_weights(fcn, saved(theirs.state_dict(), tmp_path / "sentinel2.pth"))
    image = torch.rand(1, 13, 64, 64)
    with torch.inference_mode():
        assert fcn.backbone(image)[-1].equal(theirs.forward_features(image))
    assert str(loaded) == "sentinel2.pth"


def test_a_vision_transformer_of_13_bands_loads(tmp_path):
    torch.manual_seed(1)
    theirs = timm.create_model("vit_tiny_patch16_224", in_chans=13, num_classes=0).eval()
    fcn = network("vit_tiny_patch16_224", "fcn16s", images_of(13))
    load_weights(fcn, saved(theirs.state_dict(), tmp_path / "vit.pth"))
    image = torch.rand(1, 13, 224, 224)
    with torch.inference_mode():
        ours = fcn.backbone(image)[-1].flatten(2).mT  # (1, 14 * 14, 192)
        torch.testing.assert_close(ours, theirs.forward_features(image)[:, 1:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("bands", "how"), [(1, "summed"), (2, "repeated and multiplied by 3/2"), (10, "3/10")])
def test_weights_for_three_bands_are_adapted_to_others_as_timm_does_it(bands, how, weights, tmp_path):
    fcn = network(images=images_of(bands))
    loaded = load_weights(fcn, saved(weights, tmp_path / "w.pt"))
    assert fcn.backbone.network.conv1.weight.equal(timm.models.adapt_input_conv(bands, weights["conv1.weight"]))
    assert fcn.backbone.network.bn1.weight.equal(weights["bn1.weight"])
    assert re.search(rf"; first layer .*{how}.*, from 3 bands to {bands}$", str(loaded))


def test_weights_for_another_number_of_bands_are_refused(tmp_path):
    theirs = timm.create_model("resnet18", in_chans=13, num_classes=0)
    path = saved(theirs.state_dict(), tmp_path / "w.pt")
    with pytest.raises(LandcoverError, match=r"w\.pt: is for another number of bands, 13 instead of 4\. Take "):
        load_weights(network(images=images_of(4)), path)


@pytest.mark.parametrize("weights", ["imagenet", "w.pt"])
def test_there_are_no_weights_for_the_baseline(weights):
    with pytest.raises(LandcoverError, match=f"`weights` = {weights}: baseline has an encoder of its own. Set it to"):
        load_weights(network(None, "baseline"), weights)
