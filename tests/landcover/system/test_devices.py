import pytest
import torch

from landcover.system.devices import check_precision, choose_device
from landcover.system.errors import LandcoverError


def test_a_device_that_does_not_exist_is_refused_in_one_line():
    assert choose_device("cpu") == torch.device("cpu")
    if not torch.cuda.is_available():
        with pytest.raises(LandcoverError, match=r"device 'cuda': PyTorch finds none .* Set device to auto or cpu"):
            choose_device("cuda")


@pytest.mark.parametrize(
    ("precision", "has_bf16", "accepted"),
    [("fp32", False, True), ("bf16", True, True), ("bf16", False, False), ("fp16", True, False)],
)
def test_a_precision_that_the_cpu_would_emulate_is_refused(monkeypatch, precision, has_bf16, accepted):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    check_precision(precision, torch.device("cuda"))
    if accepted:
        check_precision(precision, torch.device("cpu"))
    else:
        with pytest.raises(LandcoverError, match=rf"`precision` = '{precision}': this CPU has no .* Set it to fp32"):
            check_precision(precision, torch.device("cpu"))
