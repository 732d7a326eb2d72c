"""The recipe of a training: all of its settings, each a field with its range, default and description.

The descriptions become the comments of `params.yaml` and the table of `docs/parameters.md` (`make docs`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from landcover.models.decoders import UPSAMPLING
from landcover.models.encoders import RECOMMENDED, check_backbone
from landcover.models.networks import MODELS, MOST_MEMBERS, Architecture
from landcover.models.weights.packages import CARRIERS
from landcover.system.devices import DEVICES, PRECISIONS
from landcover.system.settings import (
    BelowOne,
    Count,
    NotNegative,
    Number,
    Positive,
    Seed,
    Settings,
    Share,
    Side,
    listed,
    one_of,
    passing,
)
from landcover.training.augmentation import SYMMETRY
from landcover.training.losses import CLASS_WEIGHTS, LOSSES, parse_loss
from landcover.training.optimizers import OPTIMIZERS, SCHEDULES

KEEP = ("last", "best")

_NOT_SHAPING = {"networks", "device", "workers", "log_every", "checkpoint_minutes"}


def _class_weights(value: Any) -> str | list[float]:
    if isinstance(value, list) and all(type(weight) in (int, float) and abs(weight) <= 1e9 for weight in value):
        return value
    if isinstance(value, str) and value in CLASS_WEIGHTS:
        return value
    raise ValueError(f"should be one of {', '.join(CLASS_WEIGHTS)}, or a list of numbers, one for each class")


class Recipe(Settings):
    """All settings of a training. Their descriptions say what they mean."""

    model: Annotated[str, one_of(MODELS)] = Field("fcn1s", description=f"network: {listed(MODELS)}")
    backbone: Annotated[str, passing(check_backbone)] = Field(
        "tf_efficientnet_lite0",
        description=f"encoder of the network: any of timm's, such as {listed(RECOMMENDED)}; the model baseline has "
        "its own",
    )
    weights: str = Field(
        "imagenet",
        description="initial weights of the backbone: none (random), imagenet (from the package index for "
        f"{listed(CARRIERS)}; torchvision's or timm's, downloaded, for others) or the path of a state dict",
    )
    upsampling: Annotated[str, one_of(UPSAMPLING)] = Field(
        "bilinear",
        description="upsampling in fcn32s to fcn1s: bilinear, or learned (transposed convolutions that start as "
        "bilinear)",
    )
    context: Count = Field(
        0, description="channels of fc6 and fc7 in fcn32s to fcn1s, such as 1024 or the paper's 4096; 0 for neither"
    )
    networks: Annotated[int, Field(ge=1, le=MOST_MEMBERS)] = Field(
        1,
        description="networks to train one after the other, with seed, seed + 1 and so on; the model averages their "
        "class probabilities",
    )
    epochs: Positive = Field(10, description="number of epochs of a network; it is validated after each")
    steps: Positive = Field(100, description="batches per epoch")
    batch_size: Annotated[int, Field(ge=1, le=2**20)] = Field(
        16, description="crops per batch, over all processes together"
    )
    accumulate: Positive = Field(
        1, description="parts in which a batch passes through the network, one after the other, to save memory"
    )
    crop: Side = Field(96, description="side of the square crops in pixels; they are placed at random")
    balance: Share = Field(
        0.0,
        description="share of the crops that are placed around a pixel of a random class, rare classes as often as "
        "others",
    )
    cutmix: Share = Field(
        0.0, description="share of the crops onto which a square of another crop is pasted, with its labels"
    )
    symmetry: Annotated[str, one_of(SYMMETRY)] = Field(
        "d4", description="random flips of the crops: none, flip (left and right) or d4 (all flips and quarter turns)"
    )
    zoom: Annotated[Number, Field(ge=1, le=16)] = Field(
        1.0,
        description="random scale: each crop is scaled by a factor between 1/zoom and zoom; 1 for none",
    )
    jitter: BelowOne = Field(
        0.05,
        description="colour jitter: standard deviation of the random factor of each channel of each crop; 0 for none",
    )
    loss: Annotated[str, passing(parse_loss)] = Field(
        "cross_entropy + 0.5*dice", description=f"loss: {listed(LOSSES)}, or a weighted sum of them"
    )
    class_weights: Annotated[Any, AfterValidator(_class_weights)] = Field(
        "sqrt_inverse",
        description="weights of the classes in cross_entropy and focal: none, sqrt_inverse or inverse (of their share "
        "of the pixels), or a list of numbers, one for each class",
    )
    label_smoothing: BelowOne = Field(
        0.0, description="share of the truth that cross_entropy spreads evenly over all classes"
    )
    focal_gamma: NotNegative = Field(
        2.0,
        description="exponent of the focal loss: a higher one gives less weight to pixels whose class is certain",
    )
    optimizer: Annotated[str, one_of(OPTIMIZERS)] = Field("adamw", description=f"optimizer: {listed(OPTIMIZERS)}")
    momentum: BelowOne = Field(0.9, description="momentum of sgd")
    lr: Annotated[Number, Field(gt=0)] = Field(0.004, description="peak learning rate")
    backbone_lr: NotNegative = Field(
        0.3, description="factor on the learning rate of the backbone: below 1 for pretrained weights"
    )
    schedule: Annotated[str, one_of(SCHEDULES)] = Field(
        "cosine", description="learning rate after the warm-up: constant, poly or cosine (the last two fall to 0)"
    )
    warmup: Count = Field(100, description="steps over which the learning rate rises to its peak")
    weight_decay: NotNegative = Field(
        0.3, description="weight decay of the kernels of convolutions; there is none of biases and norms"
    )
    clip: NotNegative = Field(5.0, description="norm to which gradients are clipped; 0 for no clipping")
    freeze_batch_norm: bool = Field(
        True,
        description="keep the initial statistics of batch norm: for pretrained weights and tiny batches",
    )
    freeze_stride: Literal[0, 2, 4, 8, 16, 32] = Field(
        0,
        description="stride up to which the first layers of the backbone keep their initial weights: 2, 4, 8, 16 or "
        "32, or 0 for no such layers; for pretrained weights, and faster steps",
    )
    ema: BelowOne = Field(
        0.99,
        description="decay per step of the moving average of the weights, which becomes the model; at step n at most "
        "(1 + n) / (10 + n); 0 for no average",
    )
    keep: Annotated[str, one_of(KEEP)] = Field(
        "last", description="epoch that becomes the model: last, or best (highest mean IoU on the validation tiles)"
    )
    precision: Annotated[str, one_of(PRECISIONS)] = Field(
        "fp32", description="precision in which the network computes: fp32, bf16 or fp16 (GPUs only)"
    )
    compile: bool = Field(
        False,
        description="compile the network with torch.compile: this takes minutes at the start, then steps are faster",
    )
    device: Annotated[str, one_of(DEVICES)] = Field("auto", description=f"device: {listed(DEVICES)}")
    workers: Count = Field(0, description="processes that read batches ahead: 4 or more for a GPU, 0 for a CPU")
    log_every: Count = Field(
        20, description="batches between two lines of progress where there is no progress bar; 0 for no lines"
    )
    checkpoint_minutes: NotNegative = Field(
        5, description="minutes between two checkpoints within an epoch; there is one after each epoch in any case"
    )
    seed: Seed = Field(0, description="seed of the initial weights, the crops and their augmentation")

    @model_validator(mode="after")
    def _smooths_a_cross_entropy(self) -> "Recipe":
        if self.label_smoothing and "cross_entropy" not in parse_loss(self.loss):
            raise ValueError(f"label_smoothing = {self.label_smoothing}: needs cross_entropy, which is not in `loss`")
        return self

    def architecture(self) -> Architecture:
        """Of each network to train."""
        return Architecture(self.model, self.backbone, self.upsampling, self.context)

    def of_each_network(self) -> list["Recipe"]:
        """The recipe of each network alone."""
        seeds = ((self.seed + i) % 2**63 for i in range(self.networks))
        return [self.model_copy(update={"networks": 1, "seed": seed}) for seed in seeds]

    def shaping(self) -> dict[str, Any]:
        """The settings that shape a network: all but how many there are, where it is trained and what is reported."""
        settings = self.model_dump(exclude=_NOT_SHAPING)
        if Path(self.weights).is_absolute():
            settings["weights"] = Path(self.weights).name
        return settings
