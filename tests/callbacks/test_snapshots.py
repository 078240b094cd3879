import keras
import numpy as np
import pytest
from PIL import Image
from tiers import first

import keras_ae as kae
from keras_ae.callbacks import Snapshots
from keras_ae.callbacks.pages import page

X = np.random.default_rng(0).random((40, 6, 4, 1)).astype("float32")


def names(snapshots):
    return [int(path.stem.removeprefix("snapshot-")) for path in snapshots.pictures]


def fit(model, snapshots, epochs=2, **arguments):
    """Five steps an epoch."""
    return model.fit(X, batch_size=8, epochs=epochs, verbose=0, callbacks=[snapshots], **arguments)


@pytest.mark.parametrize(
    "steps_at_once, chosen, expected",
    first(
        1,
        [
            (5, {"every": 3}, [0, 5, 10]),  # a call takes five steps: 3 at 5; 6 and 9 at 10
            (2, {"steps": [0, 1, 3, 99]}, [0, 2, 4]),
            (1, {"every": 3}, [0, 3, 6, 9]),
            (1, {"steps": [7, 1]}, [1, 7]),
            (5, {"every": 8}, [0, 10]),
        ],
    ),
)
def test_pictures_of_the_first_call_at_or_after_a_chosen_step(make, tmp_path, steps_at_once, chosen, expected):
    snapshots = Snapshots(tmp_path / "new" / "folder", X[:4], **chosen)
    fit(make(steps=steps_at_once), snapshots)
    assert names(snapshots) == expected
    sizes = set()
    for path in snapshots.pictures:
        with Image.open(path) as image:
            assert image.format == "PNG"
            sizes.add(image.size)
    with Image.open(tmp_path / "new" / "folder" / "snapshots.gif") as gif:
        assert gif.n_frames == len(expected) and {gif.size} == sizes
        assert gif.info["duration"] == 500 and gif.info["loop"] == 0
    x, found = kae.callbacks.read_snapshots(tmp_path / "new" / "folder")
    np.testing.assert_array_equal(x, X[:4])
    assert list(found) == expected and all(np.array_equal(found[k], snapshots.reconstructions[k]) for k in expected)
    assert len(list((tmp_path / "new" / "folder").iterdir())) == len(expected) + 2


def test_page_holds_inputs_outputs_and_samples(make):
    model = make()
    model.build((None, 6, 4, 1))
    (axes,) = page(model, X[:4], sample_rows=2, seed=7).axes
    drawn = np.asarray(axes.images[0].get_array())[..., 0]
    assert drawn.shape == (4 * 7 - 1, 4 * 5 - 1)
    rows = [X[:4], model.reconstruct(X[:4]), *np.split(model.sample(8, seed=7), 2)]
    for r, row in enumerate(rows):
        for c, image in enumerate(np.asarray(row)):
            np.testing.assert_allclose(drawn[7 * r : 7 * r + 6, 5 * c : 5 * c + 4], image[..., 0], atol=1e-6)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["input", "output", "sample", "sample"]


def test_samples_of_a_column_have_the_condition_of_its_example(make):
    model = make(kae.models.ConditionalVAE, condition=kae.Categorical(3))
    model.build((None, 6, 4, 1))
    (axes,) = page(model, X[:3], np.array([2, 0, 1]), sample_rows=2, seed=7).axes
    drawn = np.asarray(axes.images[0].get_array())[..., 0]
    expected = np.asarray(model.sample(6, [2, 0, 1, 2, 0, 1], seed=7))[5, ..., 0]
    np.testing.assert_allclose(drawn[21:27, 10:14], expected, atol=1e-6)


def test_model_without_prior_has_no_samples(make, tmp_path):
    snapshots = Snapshots(tmp_path, X[:4], every=5)
    model = make(kae.models.AE)
    fit(model, snapshots)
    assert names(snapshots) == [0, 5, 10]
    (axes,) = page(model, X[:4]).axes
    assert len(axes.get_yticklabels()) == 2


@pytest.mark.slow
def test_examples_that_are_no_images_are_drawn(make, tmp_path):
    x = np.random.default_rng(0).normal(size=(16, 5))
    snapshots = Snapshots(tmp_path, x[:4], every=1)
    make(likelihood="normal").fit(x, batch_size=16, verbose=0, callbacks=[snapshots])
    assert names(snapshots) == [0, 1]


def test_black_and_white_are_those_of_the_inputs():
    model = kae.models.VAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=2, likelihood="normal")
    x = (X[:4] - 0.5) * 10
    (axes,) = page(model, x, title="a").axes
    drawn = np.asarray(axes.images[0].get_array())[:6, :4, 0]
    np.testing.assert_allclose(drawn, (x[0, ..., 0] - x.min()) / (x.max() - x.min()), atol=1e-6)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_interrupted_and_resumed_it_makes_the_gif_of_all_pictures(make, tmp_path):
    whole = Snapshots(tmp_path / "whole", X[:4], every=5)
    fit(make(), whole, epochs=4)
    model, first = make(), Snapshots(tmp_path / "parts", X[:4], every=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, batch_size=8, epochs=4, verbose=0, callbacks=[first, Interrupt()])
    assert names(first) == [0, 5, 10] and not (tmp_path / "parts" / "snapshots.gif").exists()
    model.save(tmp_path / "model.keras")
    second = Snapshots(tmp_path / "parts", X[:4], every=5)
    fit(kae.load(tmp_path / "model.keras"), second, epochs=4, initial_epoch=2)
    assert names(second) == names(whole) == [0, 5, 10, 15, 20]
    for path in whole.pictures:
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()
    with Image.open(tmp_path / "parts" / "snapshots.gif") as gif:
        assert gif.n_frames == 5


@pytest.mark.slow
def test_gif_of_an_interrupted_training_can_be_asked_for(make, tmp_path):
    snapshots = Snapshots(tmp_path, X[:4], every=5)
    assert snapshots.write_gif() is None
    with pytest.raises(KeyboardInterrupt):
        make().fit(X, batch_size=8, epochs=4, verbose=0, callbacks=[snapshots, Interrupt()])
    with Image.open(snapshots.write_gif()) as gif:
        assert gif.n_frames == 3


@pytest.mark.slow
def test_new_training_removes_the_pictures_of_an_earlier_one_and_nothing_else(make, tmp_path):
    (tmp_path / "snapshot-of-mine.png").write_bytes(b"mine")
    fit(make(), Snapshots(tmp_path, X[:4], every=1), epochs=2)
    snapshots = Snapshots(tmp_path, X[:4], every=5)
    fit(make(), snapshots, epochs=1)
    assert names(snapshots) == [0, 5]
    assert (tmp_path / "snapshot-of-mine.png").read_bytes() == b"mine"


def test_tensorboard_gets_the_same_pictures(make, tmp_path, read_events):
    snapshots, model = Snapshots(tmp_path / "pictures", X[:4], every=5, log_dir=tmp_path / "logs"), make()
    fit(model, snapshots)
    assert list(snapshots.reconstructions) == [0, 5, 10]
    np.testing.assert_allclose(snapshots.reconstructions[10], model.reconstruct(X[:4]), atol=1e-6)
    found = read_events(tmp_path / "logs")
    assert set(found) == {("snapshot", 0), ("snapshot", 5), ("snapshot", 10)}
    for path, ((_, step), (plugin, parts)) in zip(snapshots.pictures, sorted(found.items()), strict=True):
        width, height, data = parts
        assert plugin == "images" and data == path.read_bytes() and path.name == f"snapshot-{step:08}.png"
        with Image.open(path) as image:
            assert image.size == (int(width), int(height))


def test_only_the_chief_writes(make, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ae.callbacks.snapshots.is_chief", lambda model: False)
    fit(make(), Snapshots(tmp_path / "pictures", X[:4], every=1, log_dir=tmp_path / "logs"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "Exactly one of `every` and `steps` must be given. Received: every=None, steps=None"),
        ({"every": 1, "steps": [1]}, "Exactly one of `every` and `steps` must be given"),
        ({"every": 0}, "`every` must be a positive integer. Received: every=0"),
        ({"steps": [1, -1]}, "`steps` must be an integer >= 0. Received: steps=-1"),
        ({"steps": 5}, "`steps` must be a sequence of integers. Received: steps=5"),
        ({"every": 1, "sample_rows": -1}, "`sample_rows` must be an integer >= 0"),
        ({"every": 1, "seed": 0.5}, "`seed` must be an integer"),
        ({"every": 1, "seconds": 0}, "`seconds` must be a finite number >= 0.02"),
        ({"every": 1, "condition": [1, 2]}, "one row for each of the 4 examples. Received: 2"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Snapshots(tmp_path, X[:4], **arguments)
