"""Verbs that are called often run as graphs, and give what they give eagerly."""

from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from subjects import EVENT, TABLE, X, in_short_run, make, prepare, rows

import keras_ae as kae

NUMS = (3, 1, 5, 7, 2, 6)


class Counting(keras.layers.Layer):
    """A dense layer that counts the runs of its Python code."""

    def __init__(self, units):
        super().__init__()
        self.dense, self.runs = keras.layers.Dense(units), 0

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        self.runs += 1
        return self.dense(keras.ops.reshape(x, (-1, int(np.prod(x.shape[1:])))))


def counting(**arguments):
    model = kae.Autoencoder(Counting(6), Counting(6), latent_dim=2, **arguments)
    model.build((None, 4))
    model.encoder.runs = model.decoder.runs = 0
    return model


def uses(model, values):
    """The verbs of a model as functions of a number of examples."""
    found = {
        "encode": lambda num: model.encode(X[:num], rows(values, num)),
        "decode": lambda num: model.decode(np.ones([num, model.latent_dim]), rows(values, num)),
        "reconstruct": lambda num: model.reconstruct(X[:num], rows(values, num)),
        "score": lambda num: kae.evaluate.score(model, X[:num], rows(values, num))["reconstruction"],
    }
    if model.sampler is not None:
        found["sample"] = lambda num: model.sample(num, rows(values, num), seed=num, temperature=0.5)
    return found


@pytest.mark.parametrize("name", in_short_run("semi_supervised_vae"))
def test_graphs_give_what_eager_calls_give(name):
    model, values = make(name)
    prepare(model, X[:8], rows(values, 8))
    if TABLE[name].sampler is not None:
        model.fit_sampler(TABLE[name].sampler, X, values, verbose=False)
    for verb, use in uses(model, values).items():
        model.run_eagerly = True
        wanted = [np.array(use(num)) for num in NUMS]
        model.run_eagerly = False
        for num, x in zip(NUMS, wanted, strict=True):  # a graph may fuse operations, which round in another place then
            np.testing.assert_allclose(use(num), x, rtol=1e-4, atol=1e-5, err_msg=verb)


def test_one_graph_serves_all_sizes_and_reads_the_current_weights():
    model = counting()
    for num in NUMS:
        model.decode(np.ones([num, 2]))
    assert model.decoder.runs == 4  # three eager calls, and a trace
    model.decoder.dense.kernel.assign(0 * model.decoder.dense.kernel)
    x = model.decode([[1.0, 2.0]])
    np.testing.assert_allclose(x, model.decode([[5.0, 6.0]]))  # without weights, no code makes a difference
    model.encode(np.ones([3, 4]))
    assert model.decoder.runs == 4 and model.encoder.runs == 1


def test_many_rows_go_through_the_graph_in_parts():
    model, z = counting(), np.random.default_rng(0).normal(size=(5000, 2))
    for _ in range(4):
        x = model.decode(z)
    assert model.decoder.runs == 3 * 3 + 1
    np.testing.assert_allclose(x, model.likelihood(z).mean(), rtol=1e-5)


def test_a_setting_that_changes_is_traced_again_and_used():
    model = counting(posterior=kae.latents.RelaxedCategorical(2), prior=kae.latents.UniformCategorical(2))
    for _ in range(5):
        model.encode(np.ones([2, 4]))
    before = model.encoder.runs
    model.posterior_layer.temperature = 0.3
    model.encode(np.ones([2, 4]))
    assert (before, model.encoder.runs) == (4, 5)


def test_a_fitted_sampler_takes_the_place_of_the_prior():
    model, x = counting(), np.random.default_rng(0).random((50, 4))
    codes = [np.array(model.sample_codes(4, seed=1)) for _ in range(5)][-1]
    model.fit_sampler("gaussian_mixture", x, verbose=False)
    for _ in range(5):
        assert np.abs(model.sample_codes(4, seed=1) - codes).max() > 1e-3


def test_eager_models_stay_eager():
    model = counting()
    model.compile(run_eagerly=True)
    for _ in range(6):
        model.decode([[1.0, 2.0]])
    assert model.decoder.runs == 6


def test_several_threads_share_a_graph():
    model, z = counting(), np.random.default_rng(0).normal(size=(8, 2))
    wanted = model.likelihood(z).mean()
    model.decoder.runs = 0
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: model.decode(z[i % 8 : i % 8 + 1]), range(64)))
    for i, x in enumerate(found):
        np.testing.assert_allclose(x[0], wanted[i % 8], rtol=1e-5)
    assert model.decoder.runs <= 3 + 8  # threads that came before the graph, and the trace


def test_examples_of_the_wrong_shape_are_still_refused():
    model = counting()
    for _ in range(5):
        model.encode(np.ones([2, 4]))
    with pytest.raises(ValueError, match="`x` must have shape"):
        model.encode(np.ones([2, *EVENT]))
