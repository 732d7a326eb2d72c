"""Land-cover maps from satellite images with fully convolutional networks.

    import landcover

    model = landcover.load_model("models/model.safetensors")
    labels = model.predict("town.jpg")  # uint8 (H, W): indices into model.classes.names

Each public name is imported when it is first used (PEP 562): `import landcover` itself loads no library. Type checkers
read `__init__.pyi`, which has the same names.
"""

from importlib import import_module
from typing import Any

# Texts, and the version elsewhere: every stage depends on this file, and none on what it names.
_MODULE_OF_NAME = {
    "ClassTable": "landcover.classes.class_table",
    "LandcoverError": "landcover.system.errors",
    "Model": "landcover.api.labelling",
    "Score": "landcover.api.scoring",
    "__version__": "landcover._version",
    "load_model": "landcover.api.labelling",
    "score": "landcover.api.scoring",
}

__all__ = list(_MODULE_OF_NAME)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF_NAME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
