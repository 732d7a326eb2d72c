"""The public names of `landcover`, for type checkers and documentation; at run time, `__init__.py` imports them."""

from landcover._version import __version__
from landcover.api.labelling import Model, load_model
from landcover.api.scoring import Score, score
from landcover.classes.class_table import ClassTable
from landcover.system.errors import LandcoverError

__all__ = ["ClassTable", "LandcoverError", "Model", "Score", "__version__", "load_model", "score"]
