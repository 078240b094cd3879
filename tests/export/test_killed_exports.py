"""Whole exports that are killed at random moments leave the old version or the new one, whole."""

import pathlib
import random
import time

import numpy as np
import pytest
import real_export_script

import keras_ae as kae
from keras_ae.export.card.artifact_files import ArtifactFiles
from keras_ae.export.card.probe_file import read_probes

SCRIPT = pathlib.Path(real_export_script.__file__)
KILLS = 5


@pytest.fixture
def start(processes, tmp_path):
    """A function that starts an export, and waits until it has begun."""
    started = []

    def call(name, number):
        begun = tmp_path / f"begun-{len(started)}"
        started.append(processes.start(tmp_path, SCRIPT, name, str(number), begun.name))
        while not begun.exists() and started[-1].poll() is None:
            time.sleep(0.005)
        begun.unlink()
        return started[-1]

    return call


def version(target):
    """Which version is there; `verify` says that it is whole, and runs it."""
    report = kae.export.verify(target)
    assert report.ok, report.problems
    probe = read_probes(ArtifactFiles.of(target).probes)[0]
    z = probe.inputs["z"]
    means = [np.asarray(real_export_script.version(number).decode(z)) for number in (0, 1)]
    (found,) = (number for number, mean in enumerate(means) if np.abs(mean - probe.outputs["x"]).max() < 1e-6)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.tflite", "a"])
def test_a_kill_at_any_moment_of_a_whole_export_leaves_one_whole_version(start, tmp_path, in_process, name):
    target = tmp_path / name
    assert start(name, 0).wait(240) == 0
    begun = time.perf_counter()
    assert start(name, 1).wait(240) == 0
    length = time.perf_counter() - begun
    now, rng = version(target), random.Random(0)
    assert now == 1
    left = 0
    for part in range(KILLS):  # one in each fifth of the time, and some of it after the end
        process = start(name, 1 - now)
        time.sleep(1.1 * length * (part + rng.random()) / KILLS)
        process.kill()
        left += len(list(tmp_path.glob(".*.writing")))
        now = version(target)
    assert left > 0
    assert start(name, 1 - now).wait(240) == 0
    assert version(target) == 1 - now
    assert list(tmp_path.glob(".*")) == []
