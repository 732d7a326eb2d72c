import pytest
import torch

from landcover.models.networks import Architecture, build
from landcover.training.optimizers import OPTIMIZERS, SCHEDULES, lr_factor, make_optimizer


@pytest.mark.parametrize("backbone", ["resnet18", "convnext_tiny", "vgg11_bn"])
def test_only_kernels_decay_and_only_the_backbone_learns_slower(backbone):
    network = build(Architecture("fcn1s", backbone), 3)
    optimizer = make_optimizer(network, "adamw", lr=0.1, backbone_lr=0.25, weight_decay=0.5)
    groups = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    assert len(groups) == len(list(network.parameters()))
    for name, parameter in network.named_parameters():
        assert groups[id(parameter)]["peak_lr"] == (0.025 if name.startswith("backbone.") else 0.1), name
        kernel = name.endswith("weight") and parameter.ndim > 1
        assert groups[id(parameter)]["weight_decay"] == (0.5 if kernel else 0.0), name


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_downhill(name):
    network = torch.nn.ModuleDict({"backbone": torch.nn.Linear(2, 1)})
    optimizer = make_optimizer(network, name, lr=0.05)
    x, y = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[1.0], [-2.0]])
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (network["backbone"](x) - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_learning_rate_rises_then_falls_to_nothing_unless_constant(schedule):
    factors = [lr_factor(schedule, step, 10, 110) for step in range(111)]
    assert factors[10] == max(factors) == 1
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[110] == pytest.approx(1 if schedule == "constant" else 0)
    assert factors[60] == pytest.approx({"constant": 1, "poly": 0.5**0.9, "cosine": 0.5}[schedule])
