"""Command lines of every spelling that was ever read still are; the shell completes them."""

import os
import subprocess
import sys

import pytest
from conftest import landcover


@pytest.fixture
def expected(masks):
    return landcover("evaluate", "-g", "truth", "-p", "good", "--json", folder=masks).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--labels", "truth", "--pred", "good", "--json"),
        ("--labels=truth", "--pred=good", "--json"),
        ("-gtruth", "-pgood", "--json"),
        ("-g=truth", "-p=good", "--json"),
        ("--lab", "truth", "--pre=good", "--js"),
        ("-qg", "truth", "-p", "good", "--json"),
        ("--json", "-p", "bad", "-p", "good", "-g", "truth"),
    ],
)
def test_options_are_read_however_they_are_spelled(arguments, masks, expected):
    done = landcover("evaluate", *arguments, folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected


def test_arguments_and_options_come_in_any_order(masks):
    lines = {
        landcover("compare", *arguments, folder=masks).stdout
        for arguments in (
            ("good", "bad", "-g", "truth"),
            ("-g", "truth", "good", "bad"),
            ("good", "-g", "truth", "bad"),
            ("-g", "truth", "--", "good", "bad"),
        )
    }
    assert len(lines) == 1


def test_a_name_behind_two_dashes_may_look_like_an_option(model_file, pairs, tmp_path):
    (pairs / "0000_sat.png").rename(tmp_path / "-a.png")
    done = landcover("predict", "-m", "m.safetensors", "-o", "out", "--", "-a.png", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "out: 1 masks\n"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-g", "truth", "-p", "-q"), "Option '-p' requires an argument."),
        (("-g", "truth", "--pred", "--json"), "Option '--pred' requires an argument."),
        (("-g", "truth", "-p", "-good"), "Option '-p' requires an argument."),
        (("-g", "truth", "-p"), "Option '-p' requires an argument."),
        (("-g", "truth", "-p", "good", "--nothing"), "No such option '--nothing'."),
    ],
)
def test_an_option_is_never_taken_for_the_value_of_another(arguments, message, masks):
    done = landcover("evaluate", *arguments, folder=masks)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"error: {message}")


def test_a_beginning_that_several_options_share_is_no_option(masks):
    done = landcover("predict", "a.png", "-m", "m", "-o", "out", "--p", folder=masks)  # --polygons, --probabilities
    assert done.returncode == 2
    assert "No such option '--p'." in done.stderr.splitlines()[-1]


def test_a_negative_number_is_a_value(masks):
    done = landcover("compare", "good", "bad", "-g", "truth", "--seed", "-1", folder=masks)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: Invalid value for '--seed': -1: give")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("landcover e", ["plain,evaluate", "plain,export"]),
        ("landcover predict --pro", ["plain,--probabilities"]),
        ("landcover predict a.png --device c", ["plain,cpu", "plain,cuda"]),
        ("landcover evaluate -g tr", ["file,tr"]),
        ("landcover info mod", ["file,mod"]),
    ],
)
def test_the_shell_completes_commands_options_choices_and_files(line, expected):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_LANDCOVER_COMPLETE": "bash_complete"}
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), **words}
    command = [sys.executable, "-m", "landcover"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == expected, done.stderr


def test_what_help_says_about_completion_defines_it(tmp_path):
    lines = landcover("--help", folder=tmp_path).stdout.splitlines()
    (bash,) = [line for line in lines if "bash_source" in line]
    code = bash.split("  ", 1)[1].split("  bash  ")[-1].rsplit("   in ", 1)[0].removeprefix("bash").strip()
    script = f"landcover() {{ {sys.executable} -m landcover; }}; {code}; complete -p landcover"
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
    assert "_landcover_completion landcover" in done.stdout, done.stderr
