"""Workers and clients that are killed at any moment: processes of their own, as nothing else can be killed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import rasterio
import torch
from conftest import write_geotiff

from landcover.geo.maps import predict_map
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference
from landcover.models.model_file import load_model

KILLS = 30
SECONDS = 300  # after which a run hangs


class Run:
    """The command, drawing a map of 24 blocks with two workers."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "landcover", "predict", "s.tif", "-m", "m.safetensors", "-o", "out/s_mask.tif"]
        options = ["--format", "cog", "--workers", "2", "--block", "512", "--window", "256", "--overwrite"]
        environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
        self.process = psutil.Popen(
            [*command, *options], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def workers(self):
        """The processes of the workers, as far as they have begun: those that are forked from a server, or spawned."""
        try:
            children = self.process.children(recursive=True)
            servers = {child.pid for child in children if "forkserver" in str(child.cmdline())}
            return [child for child in children if "spawn_main" in str(child.cmdline()) or child.ppid() in servers]
        except psutil.Error:
            return []

    def kill(self):
        """Kill the client, and wait for its workers to end by themselves."""
        children = self.process.children(recursive=True)
        self.process.kill()
        self.process.wait()
        assert psutil.wait_procs(children, SECONDS)[1] == []


def finished(folder):
    """Inodes of the finished blocks by name."""
    return {path.name: path.stat().st_ino for path in folder.glob("r*_c*.tif")} if folder.exists() else {}


@pytest.fixture
def scene(tmp_path):
    coarse = np.random.default_rng(0).integers(256, size=(3, 103, 154), dtype=np.uint8)
    write_geotiff(tmp_path / "s.tif", coarse.repeat(20, 1).repeat(20, 2)[:, :2048, :3072])
    (tmp_path / "out").mkdir()
    return tmp_path / "s.tif"


@pytest.mark.long
def test_kills_change_no_byte_and_no_finished_block_is_drawn_again(model_file, scene, tmp_path):
    model = for_inference(load_model(model_file), torch.device("cpu"))
    predict_map(model, scene, tmp_path / "alone.tif", InferenceOptions(window=256), cog=True)
    wanted = hashlib.sha256((tmp_path / "alone.tif").read_bytes()).hexdigest()
    chance, kills, complete = random.Random(0), 0, 0
    path, folder = tmp_path / "out" / "s_mask.tif", tmp_path / "out" / "s_mask.blocks"
    while kills < KILLS or not complete:
        before, run, start = finished(folder), Run(tmp_path), time.monotonic()
        while run.process.poll() is None:
            assert time.monotonic() < start + SECONDS
            time.sleep(chance.uniform(0, 3))
            known = finished(folder)
            assert {name: known[name] for name in before if name in known} == {
                name: inode for name, inode in before.items() if name in known
            }
            before |= known
            if kills < KILLS and (workers := run.workers()):
                if chance.random() < 0.5:
                    chance.choice(workers).send_signal(signal.SIGKILL)
                elif len(known) > 0 or chance.random() < 0.2:
                    run.kill()
                else:
                    continue
                kills += 1
                time.sleep(chance.uniform(0, 5))
        if run.process.returncode == 0:
            complete += 1
            assert hashlib.sha256(path.read_bytes()).hexdigest() == wanted
            path.unlink()
            assert not folder.exists()
    with rasterio.open(tmp_path / "alone.tif") as file:
        assert len(np.unique(file.read())) > 1


@pytest.mark.long
def test_ctrl_c_leaves_what_is_finished(model_file, scene, tmp_path):
    folder, run = tmp_path / "out" / "s_mask.blocks", Run(tmp_path)
    while len(finished(folder)) < 3:
        assert run.process.poll() is None
        time.sleep(0.1)
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(SECONDS) != 0
    assert len(finished(folder)) >= 3
    with rasterio.open(folder / "mosaic.vrt") as mosaic:
        assert mosaic.shape == (2048, 3072)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
