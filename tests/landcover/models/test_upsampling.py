"""Upsampling by matrix products, which GPUs take, is the interpolation that CPUs take."""

import pytest
import torch
from torch.nn import functional

from landcover.models.upsampling import BilinearUpsampling, by_products, upsample


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 5), (2, 3, 4, 7)])
@pytest.mark.parametrize("factor", [1, 2, 8, 32])
def test_products_give_what_interpolation_gives(shape, factor):
    x = torch.randn(shape, generator=torch.manual_seed(0))
    size = shape[2] * factor, shape[3] * factor
    expected = functional.interpolate(x, size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(by_products(x, *size), expected)
    assert torch.equal(upsample(x, *size), expected)
    assert torch.equal(BilinearUpsampling(factor)(x), expected)


def test_products_give_the_gradient_that_interpolation_gives():
    x = torch.randn(2, 3, 4, 5, generator=torch.manual_seed(0), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, 32, 40, dtype=torch.float64)
    (expected,) = torch.autograd.grad((functional.interpolate(x, (32, 40), mode="bilinear") * weight).sum(), x)
    (found,) = torch.autograd.grad((by_products(x, 32, 40) * weight).sum(), x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_weights_of_whole_factors_are_exact_in_bfloat16():
    x = torch.ones(1, 1, 3, 4, dtype=torch.bfloat16)
    assert torch.equal(by_products(x, 96, 128), torch.ones(1, 1, 96, 128, dtype=torch.bfloat16))


def test_a_network_that_labelled_can_train_afterwards():
    x = torch.randn(1, 1, 3, 3, requires_grad=True)
    with torch.inference_mode():
        by_products(x, 9, 9)
    by_products(x, 9, 9).sum().backward()
    assert x.grad.isfinite().all()
