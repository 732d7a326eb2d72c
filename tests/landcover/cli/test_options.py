from dataclasses import asdict

import click
import pytest
import yaml
from conftest import ROOT, landcover

from landcover.cli import predict, validate
from landcover.inference.options import InferenceOptions
from landcover.system.devices import DEVICES


@pytest.mark.parametrize("command", [predict.predict, validate.validate])
def test_the_options_of_inference_are_the_librarys_with_its_defaults(command):
    defaults = {param.name: param.default for param in command.params}
    expected = asdict(InferenceOptions())
    assert {name: defaults[name] for name in expected} == expected
    (device,) = [param for param in command.params if param.name == "device"]
    assert isinstance(device.type, click.Choice)
    assert tuple(device.type.choices) == DEVICES


def test_the_defaults_are_those_of_the_parameters():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    predicted = {
        name: value for name, value in params["predict"].items() if name not in ("confidence", "device", "inputs")
    }
    predicted["scales"] = tuple(predicted["scales"])
    assert predicted == asdict(InferenceOptions(tta="d4"))  # without --tta, the commands take a single view


def test_help_has_the_defaults(tmp_path):
    text = " ".join(landcover("validate", "--help", folder=tmp_path).stdout.split())
    for option, default in (("--window PIXELS", "512"), ("--overlap SHARE", "0.25"), ("--tta [none|flip|d4]", "none")):
        assert f"[default: {default}]" in text.split(option)[1].split(" --")[0]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--scales", "1,big"), "'--scales': 1,big: give numbers, such as 0.75,1,1.25."),
        (("--scales", "0.1,1"), "'--scales': (0.1, 1.0): should be different numbers from 0.25 to 4, at least one."),
        (("--scales", "1,1"), "'--scales': (1.0, 1.0): should be different numbers"),
        (("--scales", "nan"), "'--scales': (nan,): should be different numbers"),
        (("--window", "100"), "'--window': 100: should be a multiple of 32, at least 64."),
        (("--window", "32"), "'--window': 32: should be a multiple of 32"),
        (("--window", "6.5"), "'--window': 6.5: give a whole number from 1"),
        (("--overlap", "0.9"), "'--overlap': 0.9: should be a number from 0 to below 0.9."),
        (("--overlap", "nan"), "'--overlap': nan: should be a number from 0"),
        (("--batch-size", "0"), "'--batch-size': 0: give a whole number from 1"),
        (("--batch-size", str(2**80)), f"'--batch-size': {2**80}: give a whole number from 1 to 2147483647."),
        (("--tta", "d8"), "'--tta': 'd8' is not one of 'none', 'flip', 'd4'."),
        (("--device", "gpu"), "'--device': 'gpu' is not one of 'auto', 'cpu', 'cuda', 'mps'."),
        (("--max-off-palette", "1.1"), "'--max-off-palette': 1.1: give a number from 0 to 1."),
        (("--max-off-palette", "nan"), "'--max-off-palette': nan: give a number from 0 to 1."),
    ],
)
def test_a_wrong_value_is_an_error_of_usage(option, message, tmp_path):
    done = landcover("validate", "pairs", "-m", "m.safetensors", *option, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(f"error: Invalid value for {message}")
