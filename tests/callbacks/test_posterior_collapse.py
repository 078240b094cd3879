import io
import re

import keras
import numpy as np
import pytest
from rich.console import Console

import keras_ae as kae
from keras_ae.callbacks import PosteriorCollapse, PosteriorCollapseWarning
from keras_ae.training.progress import ProgressBar

X = np.random.default_rng(0).random((40, 6)).astype("float32")


def let_live(model, dimensions):
    """Gives the posterior's mean a scale in some dimensions, and none in the others."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=model.posterior_layer.dense.kernel.shape)
    dead = [d for d in range(model.latent_dim) if d not in dimensions]
    kernel[:, dead] = 0
    model.posterior_layer.dense.kernel.assign(kernel)


@pytest.fixture
def model(make):
    model = make(latent_dim=4, optimizer=keras.optimizers.SGD(0.0))
    model.build((None, 6))
    let_live(model, [0, 2])
    return model


def test_active_units_are_counted_and_in_the_history(model):
    variance = np.var(model.encode(X), axis=0)
    assert list(variance > 0.01) == [True, False, True, False]
    history = model.fit(X, epochs=2, verbose=0, callbacks=[PosteriorCollapse(X, share=0.5)]).history
    assert history["active_units"] == [2.0, 2.0]
    just_above = PosteriorCollapse(X, share=0.0, threshold=float(variance.max()) * 1.001)
    assert model.fit(X, verbose=0, callbacks=[just_above]).history["active_units"] == [0.0]


def test_warning_names_the_numbers_once_a_change(model, drive):
    collapse = PosteriorCollapse(X, share=0.75)
    alive = [[0, 1, 2], [0, 2], [0, 2], [3], [0, 1, 2, 3], [3], [3]]
    with pytest.warns(PosteriorCollapseWarning) as warned:
        drive(collapse, model, [{} for _ in alive], before=lambda epoch: let_live(model, alive[epoch]))
    texts = [str(warning.message) for warning in warned]
    expected = [(2, 2), (1, 4), (1, 6)]  # active dimensions after epoch
    assert [text.split(", fewer")[0] for text in texts] == [
        f"Posterior collapse: {active} of 4 latent dimensions are active after epoch {epoch}"
        for active, epoch in expected
    ]
    assert "fewer than 3 (variance of the posterior mean over 40 examples > 0.01)" in texts[0]


def test_resumed_from_its_state_it_does_not_repeat_itself(model, drive):
    first, second = PosteriorCollapse(X, share=1.0), PosteriorCollapse(X, share=1.0)
    with pytest.warns(PosteriorCollapseWarning):
        drive(first, model, [{}])
    second.set_model(model)
    second.on_train_begin()
    second.set_state(first.get_state())
    drive(second, model, [{}], first=1)  # a warning would be an error


def test_conditional_models_and_models_without_prior_are_counted(make):
    labels = np.arange(40) % 3
    model = make(kae.models.ConditionalVAE, condition=kae.Categorical(3))
    history = model.fit(X, labels, verbose=0, callbacks=[PosteriorCollapse(X, labels, share=0.0)]).history
    assert history["active_units"] == [np.sum(np.var(model.encode(X, labels), axis=0) > 0.01)]
    model = make(kae.models.AE)
    history = model.fit(X, verbose=0, callbacks=[PosteriorCollapse(X, share=0.0)]).history
    assert history["active_units"] == [np.sum(np.var(model.encode(X), axis=0) > 0.01)]


def test_early_stopping_sees_the_active_units(model):
    callbacks = [PosteriorCollapse(X, share=0.0), kae.callbacks.EarlyStopping("active_units", patience=2)]
    assert len(model.fit(X, epochs=9, verbose=0, callbacks=callbacks).history["loss"]) == 3


def test_progress_in_nats_leaves_the_active_units_out(model):
    console = Console(file=io.StringIO(), force_terminal=False)
    model.fit(X, verbose=0, callbacks=[PosteriorCollapse(X, share=0.0), ProgressBar("VAE", console)])
    line = console.file.getvalue()
    assert re.fullmatch(r"VAE  epoch 1/1  loss [\d.]+  kl [\d.]+  reconstruction [\d.]+ nats\n", line)


def test_wrong_examples_do_not_wait_for_the_end_of_an_epoch(model):
    with pytest.raises(ValueError, match=r"`x` must have shape \[N, 6\]. Received: \[40, 5\]"):
        model.fit(X, verbose=0, callbacks=[PosteriorCollapse(X[:, :5])])
    with pytest.raises(ValueError, match="has no condition"):
        model.fit(X, verbose=0, callbacks=[PosteriorCollapse(X, np.arange(40))])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"x": X[:1]}, "`x` must have at least two examples. Received: 1"),
        ({"x": X * np.nan}, "`x` must be finite"),
        (
            {"x": X, "condition": np.arange(39)},
            "one row for each of the 40 examples. Received: 39",
        ),
        ({"x": X, "condition": {"digit": np.arange(3)}}, "`condition` must have one row for each of the"),
        ({"x": X, "share": 1.5}, r"`share` must be in \[0, 1\]. Received: share=1.5"),
        ({"x": X, "share": -1}, "`share` must be a finite number >= 0"),
        ({"x": X, "threshold": None}, "`threshold` must be a finite number >= 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PosteriorCollapse(**arguments)
