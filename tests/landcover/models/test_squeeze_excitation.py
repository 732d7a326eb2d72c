import pytest
import torch
from timm.layers.eca import EcaModule
from timm.layers.squeeze_excite import EffectiveSEModule, SEModule
from timm.models import hgnet, senet
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import nn

from landcover.models.squeeze_excitation import LocalSqueezeExcitation, localise

MODULES = {
    "efficientnet": lambda: SqueezeExcite(16),
    "regnet": lambda: SEModule(16, norm_layer=nn.BatchNorm2d),
    "vovnet": lambda: EffectiveSEModule(16),
    "ecanet": lambda: EcaModule(16),
    "hgnet": lambda: hgnet.EseModule(16),
    "senet": lambda: senet.SEModule(16, 4),
}


@pytest.fixture(params=MODULES)
def squeeze(request):
    torch.manual_seed(0)
    return MODULES[request.param]().eval()


@torch.no_grad()
def test_excitation_is_by_the_neighbourhood_and_not_by_all_there_is(squeeze):
    local = LocalSqueezeExcitation(squeeze, 1)  # at stride 32: a step is a cell
    x = torch.rand(1, 16, 4, 12)
    far, near = x.clone(), x.clone()
    far[..., 5:] += 5
    near[..., 4:] += 5
    before = local(x)[..., :4]
    torch.testing.assert_close(local(far)[..., :4], before)
    assert not torch.allclose(local(near)[..., :4], before)


@torch.no_grad()
def test_in_small_images_excitation_is_that_of_timm(squeeze):
    x = torch.rand(2, 16, 8, 8)  # at stride 8: 64 pixels of the image
    torch.testing.assert_close(LocalSqueezeExcitation(squeeze, 4)(x), squeeze(x))


def test_the_weights_stay_the_same_in_the_same_order(squeeze):
    before = list(squeeze.parameters())
    after = list(LocalSqueezeExcitation(squeeze, 4).parameters())
    assert [id(weights) for weights in before] == [id(weights) for weights in after]


def test_all_excitation_in_a_network_is_replaced_but_what_is_coarser_than_a_cell(squeeze):
    network = nn.Sequential(nn.Sequential(squeeze), SEModule(16))
    fine, coarse = network[0][0], network[1]
    localise(network, {fine: 8, coarse: 64})
    assert isinstance(network[0][0], LocalSqueezeExcitation)
    assert network[0][0].cell == 4
    assert network[1] is coarse
