"""What a disk may do to the files of backups."""

import json
import random
import warnings

import keras
import numpy as np
import pytest

from keras_ae.callbacks.backups import Backups


def variables(seed=0):
    numbers = np.random.default_rng(seed)
    kernel = keras.Variable(numbers.random([6, 8]), name="kernel")
    return [kernel, keras.Variable(numbers.random([8]), name="bias"), keras.Variable(7, dtype="int64", name="count")]


STATES = {"EarlyStopping 0": {"wait": 2, "best": float("inf"), "best_weights": [np.arange(3.0)]}}


def written(folder, *epochs):
    backups = Backups(folder)
    for epoch in epochs:
        backups.write(epoch, variables(epoch), STATES)
    return backups


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_is(backup, epoch):
    assert backup.epoch == epoch
    restored = variables(99)
    backup.restore(restored)
    for a, b in zip(restored, variables(epoch), strict=True):
        np.testing.assert_array_equal(a, b)
    state = backup.states["EarlyStopping 0"]
    np.testing.assert_array_equal(state["best_weights"][0], np.arange(3.0))
    assert (state["wait"], state["best"]) == (2, float("inf"))


def test_every_flipped_bit_is_noticed_or_changes_nothing(tmp_path):
    backups = written(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    content, moments = path.read_bytes(), random.Random(0)
    directory = range(content.index(b"PK\x01\x02"), len(content))  # where the names, sizes and places are
    flips = [(place, moments.randrange(8)) for place in directory]
    flips += [(moments.randrange(len(content)), moments.randrange(8)) for _ in range(200)]
    damaged = 0
    for place, bit in flips:
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        path.write_bytes(flipped)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            backup = backups.newest()
        if backup is None:
            assert "is damaged" in str(warned[-1].message)
            damaged += 1
        else:
            assert_is(backup, 1)
    assert damaged > len(flips) / 2


@pytest.mark.parametrize("part", ["0", "state-3", "header"])
def test_parts_that_are_missing_too_many_or_of_another_shape_are_noticed(tmp_path, part):
    """Also in a backup without a checksum, as the first ones were."""
    backups = written(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    with np.load(path) as file:
        parts = {name: file[name] for name in file.files}
    header = json.loads(parts["header"].tobytes())
    del header["sha256"]
    parts["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    changes = [{**parts, "9": np.zeros(2)}, {name: parts[name] for name in parts if name != part}]
    if part == "0":
        changes.append({**parts, "0": parts["0"].T})
    for changed in changes:
        np.savez(path, **changed)
        with pytest.warns(UserWarning, match="is damaged"):
            assert backups.newest() is None
    np.savez(path, **parts)
    assert_is(backups.newest(), 1)


def test_checksum_notices_other_values_of_the_same_shape(tmp_path):
    backups = written(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    with np.load(path) as file:
        parts = {name: file[name] for name in file.files}
    np.savez(path, **{**parts, "1": parts["1"] + 1})
    with pytest.warns(UserWarning, match="checksum"):
        assert backups.newest() is None


def test_new_backups_are_kept_beside_damaged_ones_of_later_epochs(tmp_path):
    backups = written(tmp_path, 4, 5)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    with pytest.warns(UserWarning, match="is damaged"):
        assert backups.newest() is None
    for epoch in (1, 2, 3):
        written(tmp_path, epoch)
        assert_is(backups.newest(), epoch)
    assert names(tmp_path) == ["epoch-000002.npz", "epoch-000003.npz"]


def test_damaged_backups_are_set_aside(tmp_path):
    """The one that was used stays the one before the next."""
    backups = written(tmp_path, 4, 5)
    (tmp_path / "epoch-000005.npz").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"epoch-000005\.npz is damaged"):
        epoch = backups.newest().epoch
    backups.set_aside(epoch)
    written(tmp_path, 6)
    assert names(tmp_path) == ["epoch-000004.npz", "epoch-000005.damaged", "epoch-000006.npz"]
    backups.delete()
    assert not tmp_path.exists()
