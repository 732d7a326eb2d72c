"""docs/sharing.md against a real object store: its commands are run, by two colleagues with a clone each."""

import re
import subprocess
from pathlib import Path

import pytest
from checkout import Checkout
from conftest import BACKBONE, TABLE, draw_pair
from object_store import KEY, SECRET

from landcover.classes.colours import hex_colour

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[1] / "docs" / "sharing.md"
MODEL = "models/model.safetensors"


def commands(heading: str) -> list[str]:
    """Commands in the blocks below a heading of the page, but for those that install."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^ {4}((?:dvc|gto|git) .*)$", section, flags=re.MULTILINE)


class Team:
    """What the page calls the git server and the object store, and what was said there."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder, self.said = folder, ""
        self.names = {
            "https://example.org/landcover.git": str(folder / "landcover.git"),
            "https://s3.example.org": endpoint,
            "/shared/dvc-cache": str(folder / "shared-cache"),
        }

    def run(self, where: Path, *lines: str) -> str:
        """Run lines in a shell, all of which must succeed; return what they said."""
        script = "\n".join(lines)
        for name, real in self.names.items():
            script = script.replace(name, real)
        done = subprocess.run(["bash", "-ec", script], cwd=where, capture_output=True, text=True)
        self.said += done.stdout + done.stderr
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def team(tmp_path_factory, path_with_python, object_store):
    """A small pipeline that ran in the clone `first`, was pushed as the page says, and pulled in the clone `second`."""
    team = Team(tmp_path_factory.mktemp("team"), object_store.endpoint)
    object_store.bucket("our-bucket")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in object_store.environment.items():
            patch.setenv(name, value)
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "test")
            patch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
        first = run_pipeline(team.folder / "first")
        team.run(team.folder, "git init --quiet --bare --initial-branch=main landcover.git")
        team.run(first, "git branch -M main", "git remote add origin https://example.org/landcover.git")
        team.run(first, "git push --quiet -u origin main")
        *setup, local = commands("A remote for the team")
        team.run(first, *setup, "git commit -qam 'The address of the remote'")
        assert local.startswith("dvc remote modify --local storage profile ")
        team.run(first, "echo >> README.md", *commands("Push"))
        (team.folder / "away").mkdir()
        team.run(team.folder / "away", *commands("Pull")[:1])
        yield team


def run_pipeline(folder: Path) -> Path:
    checkout = Checkout(folder)
    for split, seed in (("train", 1), ("validation", 2)):
        for name in ("a", "b"):
            draw_pair(folder / "data" / "small" / split, name, 40, 56, seed=seed + ord(name))
    colours = {name: hex_colour(colour) for name, colour in {**TABLE.colours, TABLE.ignore[0]: TABLE.ignore[1]}.items()}
    checkout.set(
        data={"root": "data/small", "classes": colours, "ignore": "unknown"},
        prepare={"tile": 48},
        train={"model": "fcn8s", "backbone": BACKBONE, "epochs": 1, "steps": 2, "warmup": 0, "weights": "none"},
        predict={"tta": "none"},
    )
    checkout.set(train={"freeze_batch_norm": False, "crop": 32, "batch_size": 2})
    checkout.dvc("add", "data/small")
    path = folder / "dvc.yaml"  # the embedded data set is no part of this
    path.write_text(re.sub(r"^  fetch:\n.*?(?=^  prepare:)", "", path.read_text(), flags=re.DOTALL | re.MULTILINE))
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "--message", "start")
    checkout.repro()
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "--message", "run")
    return folder


@pytest.fixture(scope="module")
def clones(team) -> tuple[Path, Path]:
    return team.folder / "first", team.folder / "away" / "landcover"


def test_a_clone_pulls_the_outputs_and_has_nothing_to_run(team, clones):
    first, second = clones
    pull, status, repro = commands("Pull")[1:]
    assert "fetched" in team.run(second, pull)
    assert (second / MODEL).read_bytes() == (first / MODEL).read_bytes()
    assert "Data and pipelines are up to date" in team.run(second, status)
    assert "Running stage" not in team.run(second, repro)
    assert team.run(second, "git status --porcelain") == ""


def test_versions_of_the_model_are_got_from_anywhere_by_name(team, clones, tmp_path):
    first, _ = clones
    register, assign, show, push = commands("Models by version")[:4]
    team.run(first, register, assign)
    assert "v1.0.0" in team.run(first, show)
    team.run(first, push)
    team.run(tmp_path, *commands("Models by version")[4:])
    names = ["latest.safetensors", "model.safetensors", "production.safetensors", "v1.safetensors"]
    assert [path.name for path in sorted(tmp_path.iterdir())] == names
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {(first / MODEL).read_bytes()}


def test_data_are_imported_from_a_bucket_and_updated(team, clones, object_store):
    _, second = clones
    object_store.bucket("satellite")
    images = sorted((second / "data" / "small" / "validation").iterdir())
    for path in images[:2]:
        object_store.put("satellite", f"mine/validation/{path.name}", path)
    *imported, update = commands("Data from a bucket")
    team.run(second, *imported)
    assert team.run(second, "git ls-files data").split() == ["data/mine.dvc", "data/small.dvc"]
    object_store.put("satellite", f"mine/validation/{images[2].name}", images[2])
    team.run(second, update)
    assert sorted(path.name for path in (second / "data/mine/validation").iterdir()) == [p.name for p in images[:3]]
    team.run(second, "git reset --quiet --hard origin/main")


def test_an_experiment_is_pushed_and_pulled(team, clones):
    first, second = clones
    push, listing, pull, apply = commands("Experiments")
    team.run(first, "dvc exp run train -n hasty -S train.model=fcn16s", push)
    team.run(first, "git checkout --quiet HEAD params.yaml dvc.lock metrics plots")
    assert "hasty" in team.run(second, listing)
    team.run(second, pull, apply)
    assert (second / MODEL).read_bytes() == (first / MODEL).read_bytes()
    assert "Running stage" not in team.run(second, "dvc repro train")
    team.run(second, "git reset --quiet --hard origin/main", "dvc checkout")


def test_clones_share_a_cache(team, clones):
    _, second = clones
    here, shared, checkout = commands("One cache on a cluster")
    third = team.folder / "third"
    team.run(team.folder, "git clone --quiet https://example.org/landcover.git third")
    team.run(second, here, shared, "dvc pull")
    team.run(third, here, shared, checkout)
    assert (third / MODEL).read_bytes() == (second / MODEL).read_bytes()
    team.run(third, *commands("Free space"))


def test_no_credentials_are_in_git_nor_in_what_was_said(team, clones):
    for clone in clones:
        team.run(clone, f"dvc remote modify --local storage secret_access_key {SECRET}", "git add --all")
        history = team.run(clone, "git log --all --patch --format=%B", "git diff HEAD")
        assert SECRET not in history
        assert KEY not in history
    assert SECRET not in team.said
    assert KEY not in team.said
