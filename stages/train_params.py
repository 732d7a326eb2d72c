"""The block `train` of params.yaml: all that one can say about a training."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from landcover.models.encoders import BACKBONES
from landcover.models.networks import MODELS, UPSAMPLING, Architecture
from landcover.system.devices import DEVICES, PRECISIONS
from landcover.system.errors import LandcoverError
from landcover.training.augmentation import SYMMETRY
from landcover.training.losses import CLASS_WEIGHTS, parse_loss
from landcover.training.optimizers import OPTIMIZERS, SCHEDULES
from landcover.training.recipe import Recipe
from stages.common.params import Block, Count, Number, Positive, Seed, Side, one_of

NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, lt=1)]


def _loss(formula: str) -> str:
    try:
        parse_loss(formula)
    except LandcoverError as error:
        raise ValueError(error) from error
    return formula


def _class_weights(value: Any) -> str | list[float]:
    if isinstance(value, list) and all(type(weight) in (int, float) and abs(weight) <= 1e9 for weight in value):
        return value
    if isinstance(value, str) and value in CLASS_WEIGHTS:
        return value
    raise ValueError(f"should be one of {', '.join(CLASS_WEIGHTS)}, or a list of numbers, one for each class")


class Train(Block):
    """Keys as params.yaml explains them."""

    model: Annotated[str, one_of(MODELS)]
    backbone: Annotated[str, one_of(BACKBONES)]
    weights: str
    upsampling: Annotated[str, one_of(UPSAMPLING)]
    context: Count
    epochs: Positive
    steps: Positive
    batch_size: Annotated[int, Field(ge=1, le=2**20)]
    accumulate: Positive
    crop: Side
    balance: Annotated[Number, Field(ge=0, le=1)]
    symmetry: Annotated[str, one_of(SYMMETRY)]
    zoom: Annotated[Number, Field(ge=1, le=16)]
    jitter: Share
    loss: Annotated[str, AfterValidator(_loss)]
    class_weights: Annotated[Any, AfterValidator(_class_weights)]
    label_smoothing: Share
    focal_gamma: NotNegative
    optimizer: Annotated[str, one_of(OPTIMIZERS)]
    momentum: Share
    lr: Annotated[Number, Field(gt=0)]
    backbone_lr: NotNegative
    schedule: Annotated[str, one_of(SCHEDULES)]
    warmup: Count
    weight_decay: NotNegative
    clip: NotNegative
    freeze_batch_norm: bool
    ema: Share
    keep: Literal["last", "best"]
    precision: Annotated[str, one_of(PRECISIONS)]
    compile: bool
    device: Annotated[str, one_of(DEVICES)]
    workers: Count
    log_every: Count
    checkpoint_minutes: NotNegative
    seed: Seed

    @model_validator(mode="after")
    def _smooths_a_cross_entropy(self) -> "Train":
        if self.label_smoothing and "cross_entropy" not in parse_loss(self.loss):
            raise ValueError(f"label_smoothing = {self.label_smoothing}: belongs to cross_entropy, not in train.loss")
        return self

    def architecture(self) -> Architecture:
        """The network."""
        return Architecture(self.model, self.backbone, self.upsampling, self.context)

    def shaping(self) -> dict[str, Any]:
        """The parameters that shape the model: not those that say where it is trained and what is printed meanwhile."""
        params = self.model_dump(exclude={"device", "workers", "log_every", "checkpoint_minutes"})
        if Path(self.weights).is_absolute():
            params["weights"] = Path(self.weights).name
        return params

    def recipe(self) -> Recipe:
        """How it is trained: the keys of those names."""
        return Recipe(**self.model_dump(include=set(Recipe.__dataclass_fields__)))
