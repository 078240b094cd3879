"""Exports in processes that are killed, and looks at what each of them leaves.

Arguments: "file" or "folder", which kind of export; how many kills; a file for the results, in JSON. Conversion and
verification take long: they are left out, for two versions of a few bytes each. What is left of an export is what it
does to files.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time

import numpy as np

import keras_ae as kae
from keras_ae.export.card.probe_file import Probe
from keras_ae.networks import MLP

REPORT = {"signatures": {}, "errors": {}, "latency": {}}
CONTENTS = [np.random.default_rng(seed).bytes(20_000) for seed in (0, 1)]
WEIGHTS = "variables/variables.data-00000-of-00001"


class Nothing:
    """The signatures of an export that is not converted."""

    names, chains, omitted = ["decode"], {"decode": ([], ["x"])}, {}

    def __init__(self, *arguments, **options):
        pass

    def all(self):
        return []


def prepare(kind):
    """A function that exports version 0 or 1."""
    name = "litert.convert" if kind == "file" else "saved_model"
    module = sys.modules[f"keras_ae.export.{name}"]
    model = kae.Autoencoder(MLP([4]), MLP([4]), latent_dim=2)
    model.build((None, 2, 2, 1))
    module.DeviceSignatures = module.ServerSignatures = Nothing
    module.compare = lambda *arguments, **options: REPORT
    module.convert = module.tensors = module.judge = lambda *arguments, **options: {}
    module.answers = lambda *arguments: {"x": None}
    module._sizes, module.weight_bytes = lambda *arguments: {}, lambda layer: 1
    module._check_stored_once = module.check_serving_version = lambda *arguments: None
    sys.modules["keras_ae.export.verification.verify"]._numbers = lambda *arguments: (True, "")

    def export(number, directory="a", **options):
        numbers = np.float32([number])
        probes = [Probe("decode", {"z": numbers}, {"x": numbers})] * 2
        module.device_probes = module.server_probes = lambda *arguments, **options: probes
        module.pack = lambda *arguments: CONTENTS[number]
        module.write_warm_up = lambda *arguments: None
        module.write = lambda directory, signatures: write(directory, CONTENTS[number])
        if kind == "file":
            module.litert(model, "a.tflite")
        else:
            module.saved_model(model, directory, **(options or {"overwrite": True}))

    return export


def write(directory, content):
    for name in ("saved_model.pb", "fingerprint.pb", WEIGHTS):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def started(export, number, before=lambda: None):
    process = os.fork()
    if process == 0:
        code = 1
        try:
            before()
            export(number)
            code = 0
        finally:
            os._exit(code)
    return process


def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def version(target):
    """Which of the versions is there, whole; the report of `verify` says so of every file."""
    report = kae.export.verify(target)
    assert report.ok, report.problems
    return CONTENTS.index((target if target.is_file() else target / WEIGHTS).read_bytes())


def killed_at_random(export, target, kills):
    lengths = []
    for number in (1, 0, 1, 0):  # processes of their own, as those that are killed
        begun = time.perf_counter()
        assert ended(started(export, number)) == 0
        lengths.append(time.perf_counter() - begun)
    rng, now, new, left = random.Random(0), version(target), 0, 0
    for number in range(kills):
        process = started(export, 1 - now)
        # The shortest and the longest in turn: on a machine with other work, one export takes twice as long as another.
        time.sleep(rng.uniform(0, 1.3 * (min, max)[number % 2](lengths)))
        os.kill(process, signal.SIGKILL)
        ended(process)
        left += len(list(pathlib.Path().glob(".*.writing")))
        found = version(target)
        new, now = new + (found != now), found
    return {"new": new, "old": kills - new, "leftovers": left}


def killed_at_each_step(export, target):
    """Killed before the first, second, ... time that a name is changed, until an export comes to its end."""
    found = []
    for step in range(30):
        export(0)
        code = ended(started(export, 1, lambda step=step: die_at(step)))
        found.append(version(target))
        if code == 0:
            return found
    raise AssertionError("no export came to its end")


def die_at(step):
    count = 0

    def dying(function):
        def run(*arguments, **options):
            nonlocal count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return function(*arguments, **options)

        return run

    os.rename, os.replace = dying(os.rename), dying(os.replace)


def at_once(export, target):
    """Two exporters of one target, five times."""
    for _ in range(5):
        pair = [started(export, number) for number in (0, 1)]
        assert [ended(process) for process in pair] == [0, 0]
        yield version(target)


def next_at_once(export):
    """Two exporters of the next version, five times: the versions that are there then."""
    for _ in range(5):
        pair = [started(lambda number: export(number, "versions", version="next"), number) for number in (0, 1)]
        assert [ended(process) for process in pair] == [0, 0]
    return {path.name: version(path) for path in pathlib.Path("versions").iterdir()}


def main():
    kind, kills, results = sys.argv[1:]
    export = prepare(kind)
    os.makedirs("out")
    os.chdir("out")
    target = pathlib.Path("a.tflite" if kind == "file" else "a")
    found = {"random": killed_at_random(export, target, int(kills)), "steps": killed_at_each_step(export, target)}
    found["at_once"] = list(at_once(export, target)) if kind == "file" else next_at_once(export)
    export(0)
    found["names"] = sorted(os.listdir())
    pathlib.Path("..", results).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
