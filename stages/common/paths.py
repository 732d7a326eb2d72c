"""Where the stages read and write, as `dvc.yaml` has it too."""

from pathlib import Path

PARAMS = Path("params.yaml")

BLUEMARBLE = Path("data/bluemarble")
"""The embedded data set."""

WEIGHTS = Path("data/weights")
"""Initial weights of the encoder, where they are in a package."""

PREPARED = Path("data/prepared")
MODEL = Path("models/model.safetensors")
PREDICTIONS = Path("data/predictions")
METRICS = Path("metrics")
PLOTS = Path("plots")
REPORT = Path("report/index.html")
