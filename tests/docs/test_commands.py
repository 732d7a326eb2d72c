"""Every command in README and docs exists, with its options, files and parameters; none is run."""

import re
from importlib.util import find_spec
from itertools import pairwise

import pytest
import yaml
from conftest import landcover
from dvc.cli.parser import get_main_parser
from pages import PAGES, ROOT, commands, spans

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
COMMANDS = [command for page in PAGES for command in commands(page.read_text())]
SPANS = [span for page in PAGES for span in spans(page.read_text())]


def starting_with(*words: str) -> list[list[str]]:
    """Commands in blocks and within the text that start so."""
    every = [*COMMANDS, *(span.split() for span in SPANS)]
    found = [command for command in every if tuple(command[: len(words)]) == words and len(command) > len(words)]
    assert found, words
    return found


@pytest.fixture(scope="module")
def help_of(tmp_path_factory):
    """The help of a subcommand of `landcover`, which must exist."""
    texts, folder = {}, tmp_path_factory.mktemp("empty")

    def help_of(name: str) -> str:
        if name not in texts:
            arguments = ["--help"] if name.startswith("-") or name.isupper() else [name, "--help"]
            done = landcover(*arguments, folder=folder)
            assert done.returncode == 0, f"landcover {name}: {done.stderr}"
            texts[name] = done.stdout
        return texts[name]

    return help_of


def test_landcover_has_the_commands_and_options(help_of):
    for _, name, *arguments in starting_with("landcover"):
        for option in re.findall(r"(?<!\S)--?[a-z][a-z0-9-]*", " ".join(arguments)):
            pattern = rf"(?<![\w-]){option}(?![\w-])"
            assert re.search(pattern, help_of(name)), f"landcover {name} {' '.join(arguments)}: no {option}"
        help_of(name)


def test_dvc_accepts_the_commands_in_blocks():
    parser = get_main_parser()
    for command in [command for command in COMMANDS if command[0] == "dvc"]:
        parser.parse_args(command[1:])  # exits where it does not


def test_dvc_has_the_commands_in_the_text():
    parser = get_main_parser()
    for command in starting_with("dvc"):
        words = [word for word in command[1:3] if re.fullmatch("[a-z][a-z-]*", word)]
        with pytest.raises(SystemExit) as stopped:
            parser.parse_args([words[0], *words[1:] * (words[0] in ("exp", "queue", "plots", "metrics")), "--help"])
        assert stopped.value.code == 0, command


def test_parameters_that_commands_set_exist():
    options = [option for command in COMMANDS for flag, option in pairwise(command) if flag == "-S"]
    assert options
    for key in [option.partition("=")[0] for option in options]:
        block, _, name = key.partition(".")
        assert name in PARAMS[block] if name else key in PARAMS, key


def test_parameters_in_the_text_exist():
    mentioned = {match[1] for span in SPANS if (match := re.match(rf"((?:{'|'.join(PARAMS)})\.\w+)(?:=|$)", span))}
    listed = {f"{block}.{key}" for block, keys in PARAMS.items() if isinstance(keys, dict) for key in keys}
    files = {"train.py", "train.pt"}
    assert {each for each in mentioned if each.split(".")[1] not in ("loss", "py", "json", "csv")} <= listed | files


def test_make_has_the_targets():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for _, target, *_ in starting_with("make"):
        assert target in targets, target


def test_modules_that_python_runs_exist():
    for _, _, module, *subject in starting_with("python", "-m"):
        assert module == "venv" or find_spec(module), module
        if module == "benchmarks" and subject != ["SUBJECT"]:
            assert all(find_spec(f"benchmarks.{name}") for name in subject), subject


def test_files_of_requirements_and_blocks_of_experiments_exist():
    for command in starting_with("pip", "install"):
        for flag, file in pairwise(command):
            assert flag != "-r" or (ROOT / file).is_file(), file
    blocks = (ROOT / "experiments.sh").read_text()
    for _, block, *_ in starting_with("./experiments.sh"):
        assert f"    {block}) " in blocks, block


def test_landcover_is_on_the_path_without_an_installation_of_its_own():
    assert not [page.name for page in PAGES if "--no-deps ." in page.read_text()]
