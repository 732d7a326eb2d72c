import pytest
import timm
import torch

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.models.weights.first_layer import adapt_bands, fold_normalisation
from landcover.system.errors import LandcoverError

MEAN, STD = (0.5, 0.4, 0.6), (0.5, 0.3, 0.2)


def normalised(image, mean, std):
    return (image - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def folded(name, layer):
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=0).eval()
    weights = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    other = timm.create_model(name, num_classes=0).eval()
    other.load_state_dict(fold_normalisation(network, weights, layer, MEAN, STD))
    assert all(tensor.equal(weights[key]) for key, tensor in network.state_dict().items())
    return network, other


def test_grey_images_give_the_same_with_the_sum_of_the_bands():
    weight, grey = torch.rand(4, 3, 3, 3), torch.rand(1, 1, 8, 8)
    expected = torch.conv2d(grey.expand(1, 3, 8, 8), weight)
    torch.testing.assert_close(torch.conv2d(grey, adapt_bands(weight, 1)), expected)
    torch.testing.assert_close(torch.conv2d(grey.expand(1, 6, 8, 8), adapt_bands(weight, 6)), expected)


def test_a_convolution_with_a_bias_takes_up_scale_and_shift():
    network, other = folded("test_vit", "patch_embed.proj")
    image = torch.rand(1, 3, 160, 160)
    with torch.inference_mode():
        expected = network(normalised(image, MEAN, STD))
        torch.testing.assert_close(other(normalised(image, IMAGENET_MEAN, IMAGENET_STD)), expected, atol=1e-4, rtol=0)


def test_batch_norm_takes_up_the_shift_and_only_the_outermost_pixels_differ():
    network, other = folded("resnet10t", "conv1.0")
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network.conv1[:2](normalised(image, MEAN, STD))
        found = other.conv1[:2](normalised(image, IMAGENET_MEAN, IMAGENET_STD))
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], atol=1e-4, rtol=0)
    assert not found.allclose(expected, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "layer"), [("resnetv2_50x1_bit", "stem.conv"), ("vit_base_patch32_clip_224", "patch_embed.proj")]
)
def test_a_first_layer_that_cannot_take_up_the_shift_is_refused(name, layer):
    with torch.device("meta"):
        network = timm.create_model(name)
    with pytest.raises(LandcoverError, match=f"cannot be folded into {layer}$"):
        fold_normalisation(network, network.state_dict(), layer, MEAN, STD)
