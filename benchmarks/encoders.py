"""Size, cost and speed of encoders on this machine: for the table in docs/networks.md.

    python -m benchmarks.encoders

Times the forward pass of each encoder, its batch norms folded, on one image of 512x512, all in turns. Writes
benchmarks/encoders.json and benchmarks/encoders.md. Takes a few minutes on two cores.
"""

import json
from collections.abc import Callable

import torch

from benchmarks.harness import ROOT, in_turns, machine
from landcover.cli.network_table import IMAGE, list_networks
from landcover.models.encoders import RECOMMENDED
from landcover.models.folding import fold_batch_norm
from landcover.models.networks import Architecture, build

MODEL = "fcn16s"  # adds next to nothing to the encoder, and works on all of these
OTHERS = (
    *("mobilenetv3_small_100", "mobilenetv4_conv_small", "mobilenetv4_conv_medium", "regnety_008", "regnety_032"),
    *("resnet50d", "efficientnetv2_rw_t", "hgnetv2_b0", "convnext_nano", "convnext_small", "fastvit_t8"),
    *("swin_tiny_patch4_window7_224", "vit_small_patch16_224"),
)
ROUNDS = 3
OUT = ROOT / "benchmarks"


def main() -> None:
    """Measure, and write the figures and the table."""
    torch.manual_seed(0)
    names = [name for name in (*RECOMMENDED, *OTHERS) if not name.startswith("vgg") or name in ("vgg16", "vgg16_bn")]
    rows = {name: list_networks(MODEL, name)[0] for name in names}
    times = in_turns({name: labelling(name) for name in names}, rounds=ROUNDS)
    figures = [
        {
            "backbone": name,
            "parameters": rows[name].parameters,
            "gflops": round(rows[name].gflops, 1),
            "images_per_second": round(1 / times[name].median, 2),
        }
        for name in names
    ]
    content = {"machine": machine(), "model": MODEL, "side": IMAGE, "encoders": figures}
    (OUT / "encoders.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (OUT / "encoders.md").write_text(markdown(content), encoding="utf-8")
    print(markdown(content))


def labelling(name: str) -> Callable[[], object]:
    """A task that computes the logits of an image."""
    network = fold_batch_norm(build(Architecture(MODEL, name), 6).eval())
    image = torch.rand(1, 3, IMAGE, IMAGE).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def task() -> None:
        network(image)

    return task


def markdown(content: dict) -> str:
    """The figures as a page, the fastest encoder first."""
    side = f"{content['side']}x{content['side']}"
    lines = [
        "# Encoders",
        "",
        f"Written by `python -m benchmarks.encoders`: {content['model']} on each encoder, forward pass on one image of "
        f"{side} in float32. {content['machine']}.",
        "",
        f"| `train.backbone` | parameters | GFLOPs at {side} | images per second |",
        "|---|---:|---:|---:|",
    ]
    for row in sorted(content["encoders"], key=lambda row: -row["images_per_second"]):
        millions = f"{row['parameters'] / 1e6:.1f} M"
        lines.append(f"| `{row['backbone']}` | {millions} | {row['gflops']} | {row['images_per_second']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
