import timm
import torch
from torch import nn

from landcover.models.dilation import dilate


@torch.inference_mode()
def test_a_dilated_network_is_the_one_that_timm_dilates():
    torch.manual_seed(0)
    network = timm.create_model("resnet18", num_classes=0, output_stride=8).eval()
    plain = timm.create_model("resnet18", num_classes=0).eval()
    plain.load_state_dict(network.state_dict())
    image, strides = torch.rand(1, 3, 64, 64), {}
    for module in plain.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(lambda module, inputs: strides.update({module: 64 // inputs[0].shape[2]}))
    plain(image)
    dilate(strides, 8)
    torch.testing.assert_close(plain.forward_features(image), network.forward_features(image))
    assert plain.forward_features(image).shape[2:] == (8, 8)
