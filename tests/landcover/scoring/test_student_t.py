import pytest
from scipy import stats

from landcover.scoring.student_t import t_quantile


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 30, 31, 256, 1001])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_quantiles_are_those_of_scipy(level, degrees):
    assert t_quantile(level, degrees) == pytest.approx(stats.t.ppf((1 + level) / 2, degrees), rel=1e-9)
