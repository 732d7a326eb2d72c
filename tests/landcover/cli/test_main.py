import subprocess
import sys

import pytest
from conftest import landcover

from landcover.cli.main import COMMANDS


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command):
    code = "import sys; from landcover.cli import main\n"
    code += f"sys.argv = ['landcover', *{command!r}.split(), '--help']; main.main()\n"
    code += "assert not {'torch', 'pandas', 'numpy', 'tabulate'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: landcover {command}".rstrip().encode())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal_and_has_examples(command, tmp_path):
    done = landcover(*command.split(), "--help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"  landcover {command}" in done.stdout.split("Examples:\n")[1]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_lists_all_commands_with_a_whole_sentence(tmp_path):
    lines = landcover("--help", folder=tmp_path).stdout.split("Commands:\n")[1].splitlines()
    listed = lines[: lines.index("")]
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("command", ["predict", "evaluate", "compare", "validate", "check", "export", "info"])
def test_help_of_the_commands_that_scripts_call_has_exit_codes(command, tmp_path):
    assert "Exit codes:\n  0  " in landcover(command, "--help", folder=tmp_path).stdout


def test_a_url_in_the_place_of_a_path_is_one_line_without_its_password(tmp_path):
    done = landcover("info", "s3://user:word@box/m?key=1", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: s3://box/m: a URL. Give a path on this machine.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "usage", "message"),
    [
        ([], "landcover [OPTIONS] COMMAND [ARGS]...", "Missing command."),
        (["nothing"], "landcover [OPTIONS] COMMAND [ARGS]...", "No such command 'nothing'. There are predict, "),
        (["no\nthing"], "landcover [OPTIONS] COMMAND [ARGS]...", "No such command 'no\\nthing'. There are predict, "),
        (["--nothing"], "landcover [OPTIONS] COMMAND [ARGS]...", "No such option '--nothing'."),
        (["info"], "landcover info [OPTIONS] MODEL", "Missing argument 'MODEL'."),
        (["info", "a", "b"], "landcover info [OPTIONS] MODEL", "Got unexpected extra argument (b)"),
        (["info", "a", "--json=3"], "landcover info [OPTIONS] MODEL", "Option '--json' does not take a value."),
        (["models", "--classes", "six"], "landcover models [OPTIONS]", "Invalid value for '--classes': 'six' is not "),
    ],
)
def test_a_wrong_command_line_shows_the_usage_and_one_line(arguments, usage, message, tmp_path):
    done = landcover(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    first, hint, last = done.stderr.splitlines()
    assert first == f"Usage: {usage}"
    assert hint == f"Try '{usage.split(' [')[0]} --help'."
    assert last.startswith(f"error: {message}")
