"""Work of the library done by workers: the same results in the same order, the same errors and messages."""

import socket
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import TABLE
from ground_maps import UTM, blocks, draw_scene, mapped_scenes

from landcover.classes.class_table import DEEPGLOBE
from landcover.data.preparation import prepare
from landcover.data.scene_preparation import prepare_scenes
from landcover.images.pairs import find_samples
from landcover.scale import cluster_map
from landcover.scale.cluster_map import ClusterMap
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError, warn
from landcover.system.parallel import error_as_result


@dataclass(frozen=True)
class Halving:
    """Halves even numbers, warns of 4, and cannot halve odd ones."""

    errors_are_results: bool = True
    result_bytes = 8000

    def opened(self, threads):
        return nullcontext(error_as_result(self.half) if self.errors_are_results else self.half)

    def describe(self, number):
        return f"number {number}"

    def half(self, number):
        if number % 2:
            raise LandcoverError(f"{number}: odd.")
        if number in (4, 8):
            warn("4 or 8")
        return np.full(1000, number // 2)


@dataclass(frozen=True)
class Failing(Halving):
    """Fails in a way that nobody foresaw."""

    def half(self, number):
        return 1 // (number - 2)


HOST = socket.gethostname()


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def lines_of(function, *arguments, **options):
    with pytest.raises(LandcoverError) as error:
        function(*arguments, **options)
    return error.value.lines


def test_results_come_in_the_order_of_the_items_and_messages_once(cluster, capsys):
    results = list(ClusterMap(cluster)(Halving(), range(0, 300, 2)))
    assert [result[0] for result in results] == list(range(150))
    assert capsys.readouterr().err == "warning: 4 or 8\n"
    assert list(ClusterMap(cluster)(Halving(), [])) == []


def test_errors_are_results_or_raised_when_their_item_is_due(cluster):
    halves = list(ClusterMap(cluster)(Halving(), [2, 3, 4]))
    assert [str(half) if isinstance(half, LandcoverError) else half[0] for half in halves] == [1, "3: odd.", 2]
    results = ClusterMap(cluster)(Halving(errors_are_results=False), [2, 3, 4])
    assert next(results)[0] == 1
    with pytest.raises(LandcoverError, match=r"^3: odd\.$"):
        next(results)


def test_what_nobody_foresaw_names_the_item(cluster):
    with pytest.raises(LandcoverError, match="number 2: failed 3 times, at last because: ZeroDivisionError"):
        list(ClusterMap(cluster)(Failing(), [2]))


def test_an_error_on_another_machine_names_it():
    here, there = (cluster_map._naming(LandcoverError("a: no such file."), host) for host in (HOST, "node7"))
    assert (str(here), str(there)) == ("a: no such file.", "worker on node7: a: no such file.")


def test_a_worker_that_does_not_see_the_folder_says_so(cluster, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    job = cluster_map._Job(b"", Path.cwd())
    monkeypatch.chdir(tmp_path)
    Path("gone").rmdir()
    done = cluster_map.compute(cluster_map._Task(job, 2, "number 2"))
    assert done.is_raised
    assert "gone: cannot be entered by a worker (No such file or directory). Let all workers" in str(done.result)


def test_prepared_pairs_are_the_same(cluster, pairs, classes, tmp_path):
    options = {"tile": 32, "scale": 0.5, "max_off_palette": 0.0}
    samples = find_samples(pairs)
    made = [
        prepare(samples, classes, tmp_path / name, **options, **further)
        for name, further in (("here", {}), ("workers", {"mapper": ClusterMap(cluster)}))
    ]
    assert made[0] == made[1]
    assert content(tmp_path / "here") == content(tmp_path / "workers")


def test_all_broken_pairs_are_listed(cluster, pairs, classes, tmp_path):
    (pairs / "0000_sat.png").write_bytes(b"")
    (pairs / "0002_mask.png").write_text("text")
    samples, options = find_samples(pairs), {"tile": 32, "scale": 1.0, "max_off_palette": 0.0}
    here = lines_of(prepare, samples, classes, tmp_path / "a", **options)
    assert here == lines_of(prepare, samples, classes, tmp_path / "b", **options, mapper=ClusterMap(cluster))
    assert len(here) == 2


def test_prepared_scenes_are_the_same(cluster, tmp_path):
    _, layer = draw_scene(tmp_path, size=(300, 600), place=UTM)
    made = []
    for name, further in (("here", {}), ("workers", {"mapper": ClusterMap(cluster)})):
        (tmp_path / name).mkdir()
        maps = mapped_scenes(tmp_path, [layer], blocks)
        given = (maps.scenes, maps.labels, maps.split, TABLE, tmp_path / name)
        made.append(prepare_scenes(*given, tile=64, scale=0.7, bands=maps.bands, **further))
    assert made[0] == made[1]
    assert content(tmp_path / "here") == content(tmp_path / "workers")


def test_scores_are_the_same(cluster, masks, tmp_path):
    here, workers = (
        score_masks(masks / "truth", masks / "bad", DEEPGLOBE, **further)
        for further in ({}, {"mapper": ClusterMap(cluster)})
    )
    assert list(here.per_image) == list(workers.per_image)
    assert all((here.per_image[name] == workers.per_image[name]).all() for name in here.per_image)


def test_scores_of_scenes_are_the_same_to_the_bit(cluster, tmp_path):
    _, layer = draw_scene(tmp_path, size=(300, 600), place=UTM)
    maps = mapped_scenes(tmp_path, [layer], blocks)
    here, workers = maps.score(), maps.score(mapper=ClusterMap(cluster))
    assert here.places == workers.places
    np.testing.assert_array_equal(here.counts.areas, workers.counts.areas)
    assert {name: matrix.tolist() for name, matrix in here.counts.units.items()} == {
        name: matrix.tolist() for name, matrix in workers.counts.units.items()
    }
