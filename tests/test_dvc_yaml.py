"""dvc.yaml declares what the stages really depend on: DVC does not follow imports."""

import ast
from pathlib import Path

import pytest
import yaml

from stages.common.changes import WITHOUT_EFFECT
from stages.weights import Initial

ROOT = Path(__file__).parents[1]
PAGES, ASSETS = "src/landcover/report/page.py", "src/landcover/report/assets"
"""The module that puts assets into pages, and where these are."""

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def module_file(name: str) -> str | None:
    """Path in this project of the module called `name`; None for modules of others."""
    for folder in ("", "src/"):
        path = folder + name.replace(".", "/")
        for candidate in (f"{path}.py", f"{path}/__init__.py"):
            if (ROOT / candidate).is_file():
                return candidate
    return None


def imported_names(file: str) -> set[str]:
    """Every module that a file may import, its packages included."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {".".join(name.split(".")[: i + 1]) for name in names for i in range(name.count(".") + 1)}


def asset_files(file: str) -> set[str]:
    """Paths in this project of the assets of pages that a file names, scripts also without their ending."""
    texts = {node.value for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.Constant)}
    names = {name for text in texts if isinstance(text, str) and text.isprintable() for name in (text, f"{text}.js")}
    return {f"{ASSETS}/{name}" for name in names if name and (ROOT / ASSETS / name).is_file()}


def reached_files(file: str) -> set[str]:
    """The files of this project that running a file may execute, and the assets of the pages that it may write."""
    reached, new = set(), {file}
    while new:
        reached |= new
        new = {path for file in new for name in imported_names(file) if (path := module_file(name))} - reached
    writes_pages = PAGES in reached
    return reached.union(*(asset_files(file) for file in reached if writes_pages and file.startswith("src/")))


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_hold_all_imported_modules_and_nothing_beside(stage):
    reached = reached_files(f"stages/{stage}.py") | {"stages/__init__.py"}
    code = {dep for dep in STAGES[stage]["deps"] if dep.startswith(("src/", "stages/"))}
    holding = {path: {dep for dep in code if path == dep or path.startswith(f"{dep}/")} for path in reached}
    assert all(len(deps) == 1 for deps in holding.values()), holding
    assert code == set().union(*holding.values())


@pytest.mark.parametrize("stage", STAGES)
def test_a_package_is_a_dependency_as_a_whole_only_if_most_of_it_is_used(stage):
    reached = reached_files(f"stages/{stage}.py")
    for dep in STAGES[stage]["deps"]:
        if dep.startswith(("src/", "stages/")) and not dep.endswith(".py"):
            found = [*(ROOT / dep).rglob("*.py"), *(ROOT / dep).rglob("assets/*.*")]
            files = {path.relative_to(ROOT).as_posix() for path in found}
            assert len(files & reached) > len(files) / 2, (dep, files - reached)


def test_the_page_of_the_report_is_made_of_assets_that_the_walk_finds():
    reached = reached_files("stages/report.py")
    assert {f"{ASSETS}/{name}" for name in ("report.html", "style.css", "report.js", "vendor/ol.js")} <= reached
    assert not [path for path in reached_files("stages/evaluate.py") if path.startswith(ASSETS)]


def block_keys_read(stage: str) -> set[str]:
    """Blocks of params.yaml that a stage reads: first arguments of its calls of `read_block`."""
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {call.args[0].value for call in calls if getattr(call.func, "id", "") == "read_block"}


@pytest.mark.parametrize("stage", STAGES)
def test_what_differs_is_told_of_the_blocks_that_are_read(stage):
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    (run,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run")
    assert {block.arg for block in run.keywords} == block_keys_read(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_exactly_the_blocks_that_are_read_and_have_an_effect(stage):
    declared = {name.partition(".")[0] for name in STAGES[stage].get("params", [])}
    assert declared == block_keys_read(stage) - WITHOUT_EFFECT


def test_who_does_the_work_is_read_where_there_is_much_of_it():
    assert {stage for stage in STAGES if "scale" in block_keys_read(stage)} == {"prepare", "predict", "evaluate"}


def test_the_stage_weights_depends_on_the_keys_that_it_reads():
    assert STAGES["weights"]["params"] == [f"train.{key}" for key in Initial.model_fields]
