"""Defaults and limits of exported models. Imports no PyTorch: --help names them."""

OPSET = 18
"""Version of ONNX's operators."""

TILE_SIZE = 512
"""Default height and width, in pixels, of the images that an exported model takes."""

MAX_TILE_SIZE = 8192
"""Above it, the memory that a single tile takes fits few machines."""

RESOLUTION = 10.0
"""Default ground resolution, in centimetres per pixel: so fine that geodeep scales no raster by itself."""
