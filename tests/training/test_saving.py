"""Files of models are replaced whole or not at all, and those that nothing would load are refused."""

import os

import keras
import numpy as np
import pytest
from full_disk import files_of_at_most

import keras_ae as kae

X = np.random.default_rng(0).random((16, 4, 4, 1)).astype("float32")


@pytest.fixture(scope="module")
def model():
    model = kae.models.VAE(latent_dim=2)
    model.compile(run_eagerly=True)
    model.train_on_batch(X)
    return model


CHECKPOINTS = {
    "model.keras": {},
    "model.weights.h5": {"save_weights_only": True},
}


@pytest.mark.parametrize("size", [0, 30_000, 200_000])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(model, name, size, tmp_path):
    path = tmp_path / name
    write = model.save if name.endswith(".keras") else model.save_weights
    write(path)
    checkpoint = keras.callbacks.ModelCheckpoint(path, **CHECKPOINTS[name])
    checkpoint.set_model(model)
    checkpoint.on_epoch_begin(0)
    for save in (lambda: write(path), lambda: checkpoint.on_epoch_end(0, {"loss": 1.0})):
        old = path.read_bytes()
        assert len(old) > size
        with files_of_at_most(size), pytest.raises(OSError, match=rf"^{path} could not be written: File too large$"):
            save()
        assert path.read_bytes() == old and os.listdir(tmp_path) == [name]
        save()
        assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_an_error_in_the_middle_leaves_the_old_file(model, name, error, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text("old")

    def fail(self, store):
        raise error

    monkeypatch.setattr(type(model.likelihood_layer), "save_own_variables", fail)
    with pytest.raises(error):
        (model.save if name.endswith(".keras") else model.save_weights)(path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == [name]


def test_weights_alone_are_what_keras_reads(model, tmp_path):
    model.save_weights(tmp_path / "a.weights.h5")
    other = kae.models.VAE(latent_dim=2, seed=5)
    other.build((None, *X.shape[1:]))
    other.load_weights(tmp_path / "a.weights.h5")
    for one, two in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_link_stays_one_and_a_folder_is_made(model, tmp_path):
    (tmp_path / "new.keras").symlink_to(tmp_path / "folder" / "real.keras")
    model.save(tmp_path / "new.keras")
    assert (tmp_path / "new.keras").is_symlink()
    assert kae.load(tmp_path / "folder" / "real.keras").latent_dim == 2


@pytest.mark.parametrize("path", ["m.h5", "m.hdf5", "m", "m.keras.zip", 3, None])
def test_other_formats_are_refused(model, path):
    with pytest.raises(ValueError, match=r"`filepath` must be a path that ends in \.keras, .* Received: filepath="):
        model.save(path)
    with pytest.raises(ValueError, match=r"`filepath` must be a path that ends in \.weights\.h5"):
        model.save_weights(path)


def test_folders_and_parts_of_files_are_refused(model):
    with pytest.raises(ValueError, match="zipped=False"):
        model.save("m.keras", zipped=False)
    with pytest.raises(ValueError, match="max_shard_size=1"):
        model.save_weights("m.weights.h5", max_shard_size=1)


def test_a_file_is_not_replaced_without_leave(model, tmp_path):
    for name in CHECKPOINTS:
        write = model.save if name.endswith(".keras") else model.save_weights
        write(tmp_path / name, overwrite=False)
        with pytest.raises(FileExistsError, match=f"{name} exists: `overwrite=True` replaces it"):
            write(tmp_path / name, overwrite=False)


def test_a_checkpoint_that_nothing_would_load_is_refused_before_training(model):
    step = int(model.optimizer.iterations)
    checkpoint = keras.callbacks.ModelCheckpoint("m.h5")
    for callbacks in (checkpoint, [checkpoint], keras.callbacks.CallbackList([checkpoint], model=model)):
        with pytest.raises(ValueError, match=r"`filepath` of ModelCheckpoint must end in \.keras.*'m\.h5'"):
            model.fit(X, verbose=0, callbacks=callbacks)
    assert int(model.optimizer.iterations) == step
