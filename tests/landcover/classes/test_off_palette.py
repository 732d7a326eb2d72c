import numpy as np
import pytest

from landcover.classes.class_table import DEEPGLOBE
from landcover.classes.off_palette import KEPT, OTHERS, OffPalette
from landcover.system.errors import LandcoverError


def test_noise_of_many_colours_is_counted_exactly_and_kept_few():
    mask = np.arange(1 << 16, dtype=np.uint32).reshape(256, 256)
    mask[:100] = 0x123456
    _, counts = DEEPGLOBE.decode(mask)
    assert next(iter(counts.items())) == ("#563412", 100 * 256)
    assert len(counts) == KEPT + 1
    assert sum(counts.values()) == mask.size - 2  # but #00ff00 and #ffff00
    total = OffPalette()
    for start in range(3):
        total += OffPalette(mask.size, DEEPGLOBE.decode(mask + (start << 17))[1])
    assert len(total.counts) <= KEPT + 1
    assert total.total >= 3 * (mask.size - 3)
    assert list(total.counts)[-1] == OTHERS


def test_the_line_names_the_share_and_the_most_frequent_colours():
    counts = OffPalette(50, {"#010101": 3, "#020202": 2}) + OffPalette(50, {"#020202": 4, "#030303": 1, "#040404": 1})
    counts.check("masks", 0.11, "Do.")
    with pytest.raises(LandcoverError) as error:
        counts.check("masks", 0.1, "Do.")
    assert str(error.value) == (
        "masks: 11.00% of the pixels have colours of no class: #020202 (6), #010101 (3), #030303 (1) and 1 more. Do."
    )
    OffPalette().check("nothing", 0, "Do.")
