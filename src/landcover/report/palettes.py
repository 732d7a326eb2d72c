"""Colours of classes that also people with a colour-vision deficiency can tell apart.

The first colours are those of Okabe and Ito 2008, "Color Universal Design", without black. Further ones are searched as
by Glasbey et al. 2007, "Colour displays for categorical images": each is as far as possible from all before it, for
normal vision and for what protanopia, deuteranopia and tritanopia make of it (Machado et al. 2009), in the colour space
Oklab (Ottosson 2020).
"""

from collections.abc import Sequence

import numpy as np

from landcover.classes.colours import Colour

OKABE_ITO: tuple[Colour, ...] = (
    (0, 114, 178),  # blue
    (0, 158, 115),  # bluish green
    (240, 228, 66),  # yellow
    (213, 94, 0),  # vermilion
    (230, 159, 0),  # orange
    (204, 121, 167),  # reddish purple
    (86, 180, 233),  # sky blue
)
UNKNOWN_COLOUR: Colour = (0, 0, 0)

_FITTING = {
    "water": 0,
    "sea": 0,
    "forest": 1,
    "tree": 1,
    "agriculture": 2,
    "crop": 2,
    "urban": 3,
    "built": 3,
    "rangeland": 4,
    "grass": 4,
}
"""Words in names of classes, and which of `OKABE_ITO` one expects for them."""

_STEPS = 12  # values of red, green and blue that are tried
_VISIONS = np.array(
    [
        np.eye(3),
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)
"""On linear red, green and blue: normal vision, and the three deficiencies in full (Machado et al. 2009, table)."""

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def safe_colours(names: Sequence[str]) -> list[Colour]:
    """A colour for each class, by their names, none of them close to another or to `UNKNOWN_COLOUR`.

    The first class whose name has one of a few words, such as water, gets a colour that fits it; the others take the
    rest in the order of the classes.
    """
    colours = [*OKABE_ITO, *_further(len(names) - len(OKABE_ITO))]
    fitting: dict[int, str] = {}
    for name in names:
        place = next((place for word, place in _FITTING.items() if word in name.lower()), None)
        if place is not None:
            fitting.setdefault(place, name)
    place_of = {name: place for place, name in fitting.items()}
    rest = iter(sorted(set(range(len(colours))) - fitting.keys()))
    return [colours[place_of[name] if name in place_of else next(rest)] for name in names]


def seen_distances(colours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far colours are from others for the vision that sees the least difference.

    Args:
        colours, others: uint8 (N, 3) and (M, 3).

    Returns:
        float64 (N, M), distances in Oklab: 1 from black to white.
    """
    seen, others_seen = (_seen(rgb)[..., None, :] for rgb in (colours, others))
    return np.asarray(np.linalg.norm(seen - np.swapaxes(others_seen, 1, 2), axis=-1).min(0))


def _further(count: int) -> list[Colour]:
    """Colours after those of `OKABE_ITO`, one by one the farthest from all before."""
    if count <= 0:
        return []
    values = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    candidates = np.stack(np.meshgrid(values, values, values, indexing="ij"), -1).reshape(-1, 3)
    nearest = seen_distances(candidates, np.array([UNKNOWN_COLOUR, *OKABE_ITO], np.uint8)).min(1)
    found: list[Colour] = []
    for _ in range(count):
        best = candidates[int(np.argmax(nearest.round(9)))]  # rounded: the same on any machine
        nearest = np.minimum(nearest, seen_distances(candidates, best[None])[:, 0])
        red, green, blue = best.tolist()
        found.append((red, green, blue))
    return found


def _seen(rgb: np.ndarray) -> np.ndarray:
    """Colours uint8 (N, 3) as each vision sees them, in Oklab: float64 (4, N, 3)."""
    values = rgb / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = (linear @ _VISIONS.swapaxes(1, 2)).clip(0, 1)
    return np.asarray(np.cbrt(seen @ _TO_CONES.T) @ _TO_OKLAB.T)
