import json

import yaml
from conftest import ROOT, landcover, landcover_process

from landcover.cli import compare


def test_compare_tells_whether_the_difference_is_more_than_chance(masks):
    done = landcover_process("compare", "good", "bad", "-g", "truth", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    *figures, verdict = done.stdout.splitlines()
    assert verdict == "A is better by more than chance"
    assert figures[-1] == "A is better in 100.0 % of 2000 resamples of 12 images"
    assert landcover("compare", "bad", "good", "-g", "truth", "-q", folder=masks).stdout == (
        "B is better by more than chance\n"
    )
    content = json.loads(landcover("compare", "good", "good", "-g", "truth", "--json", folder=masks).stdout)
    assert (content["difference"], content["verdict"]) == (0, "no difference beyond chance at 95 %")


def test_few_images_have_no_verdict(masks):
    for folder in ("truth", "good", "bad"):
        for path in sorted((masks / folder).iterdir())[1:]:
            path.unlink()
    content = json.loads(landcover("compare", "good", "bad", "-g", "truth", "--json", folder=masks).stdout)
    assert content["low"] is content["high"] is content["share_a_better"] is None
    done = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert done.stdout.splitlines()[2:] == [
        f"A - B: {content['difference']:.6f}, 95 % interval -",
        "A is better in - of 2000 resamples of 1 images",
        "too few images for a verdict: 1, at least 6 are needed",
    ]


def test_the_default_of_the_resamples_is_that_of_the_parameters():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert params["evaluate"]["resamples"] == compare.RESAMPLES
