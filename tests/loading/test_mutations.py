"""Files that are nearly a model: what is changed is drawn from a seed, so that each can be made again."""

import copy
import io
import json
import os
import sys
import time

import numpy as np
import pytest
from keras_files import CONFIG, WEIGHTS, peak, write

import keras_ae as kae

TRACKED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
)
SEEN = []


def watch(event, arguments):
    """An audit hook, which cannot be taken away again: it is deaf but for the fuzzer."""
    if SEEN and event in TRACKED:
        SEEN.append((event, str(arguments)))


VALUES = [
    None, True, -1, 0, 10**9, 10**30, -0.5, 1e400, "", "a", "../../a", "keras_ae>VAE", "keras_ae>Elbo", "os", "system",
    [], [[]], {}, {"class_name": "A"}, ["relu"] * 3, "__lambda__",
    {"config": {}, "class_name": "Dense", "module": "keras.layers"},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}, [10**9] * 4,
]  # fmt: skip


def places(value, path=()):
    """Every place in nested dictionaries and lists."""
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(entry, (dict, list)):
            yield from places(entry, (*path, key))


def mutate_config(rng, members, content):
    config = copy.deepcopy(json.loads(members[CONFIG]))
    for _ in range(rng.integers(1, 3)):
        found = [*places(config)]
        *path, last = found[rng.integers(len(found))]
        owner = config
        for key in path:
            owner = owner[key]
        if rng.random() < 0.2 and isinstance(owner, dict):
            del owner[last]
        else:
            owner[last] = VALUES[rng.integers(len(VALUES))]
    return repacked(members, CONFIG, json.dumps(config).encode())


def mutate_weights(rng, members, content):
    return repacked(members, WEIGHTS, flipped(rng, members[WEIGHTS]))


def mutate_header(rng, members, content):
    return repacked(members, WEIGHTS, flipped(rng, members[WEIGHTS][:800]) + members[WEIGHTS][800:])


def mutate_text(rng, members, content):
    return repacked(members, CONFIG, flipped(rng, members[CONFIG]))


def flipped(rng, content):
    content = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        # Half of the bytes are changed near the start, where what a file is made of is written.
        end = len(content) if rng.random() < 0.5 else min(len(content), 1000)
        content[rng.integers(end)] = rng.integers(256)
    return bytes(content)


def repacked(members, name, content):
    stream = io.BytesIO()
    write(stream, [*{**members, name: content}.items()])
    return stream.getvalue()


MUTATIONS = [
    lambda rng, members, content: content[: rng.integers(len(content))],
    lambda rng, members, content: flipped(rng, content),
    lambda rng, members, content: content + rng.bytes(rng.integers(1, 99)),
    lambda rng, members, content: rng.bytes(rng.integers(2000)),
    lambda rng, members, content: content[:40] + rng.bytes(200) + content[240:],
    lambda rng, members, content: content[: -int(rng.integers(1, 300))] + rng.bytes(20),
    mutate_text,
    mutate_weights,
    mutate_header,
    mutate_config,
]


@pytest.mark.slow
@pytest.mark.parametrize("num", [100, 500])
def test_mutations_give_the_model_or_a_sentence(members, tmp_path, num):
    path, content = tmp_path / "a.keras", repacked(members, CONFIG, members[CONFIG])
    sys.addaudithook(watch)
    SEEN.append("begin")
    slowest, refusals, before = 0.0, 0, peak()
    try:
        for number in range(num):
            rng = np.random.default_rng(number)
            path.write_bytes(MUTATIONS[number % len(MUTATIONS)](rng, members, content))
            begun = time.process_time()
            try:
                assert isinstance(kae.load(path), kae.Autoencoder)
            except ValueError as error:
                refusals += 1
                assert "a.keras" in str(error) and len(str(error)) < 800 and "\n" not in str(error), number
            slowest = max(slowest, time.process_time() - begun)
    finally:
        events = SEEN[1:]
        SEEN.clear()
    assert events == []
    assert refusals > 0.8 * num  # what is left are names, numbers of weights, bytes that nobody reads
    assert slowest < 5
    assert peak() - before < 300e6
    assert os.listdir(tmp_path) == ["a.keras"]
