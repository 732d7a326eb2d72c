import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from landcover.training.averaging import averaging, decay_at


def averages(ema, values):
    """What the average of a weight and of a buffer are after each of its values."""
    network = nn.BatchNorm1d(1)
    average, found = AveragedModel(network, multi_avg_fn=averaging(ema), use_buffers=True), []
    for value in values:
        network.weight.data.fill_(value)
        network.running_mean.fill_(value)
        network.num_batches_tracked += 1
        average.update_parameters(network)
        found.append((average.module.weight.item(), average.module.running_mean.item()))
    assert average.module.num_batches_tracked == len(values)
    return found


@pytest.mark.parametrize("ema", [0.9, 0.99, 0.9999])
def test_in_the_beginning_the_average_forgets_where_the_weights_came_from(ema):
    values = [100.0] + [1.0] * 60
    for weight, statistic in averages(ema, values)[-1:]:
        assert weight == statistic == pytest.approx(1.0, abs=0.1)


def test_in_the_end_it_decays_as_asked_for():
    assert decay_at(10**6, 0.99) == 0.99
    assert [decay_at(step, 0.99) < 0.99 for step in (889, 891)] == [True, False]


def test_without_decay_it_is_the_weights_themselves():
    values = torch.randn(20).tolist()
    assert averages(0.0, values) == [(value, value) for value in values]
