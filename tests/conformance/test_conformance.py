"""Every public model passes the same checks. One row a model; a model without a row fails."""

import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.models import MODELS

EVENT = (5, 4, 2)
N = 96
RNG = np.random.default_rng(0)
X = (RNG.random((N, 1, 1, 1)) * RNG.random((1, *EVENT)) > 0.3).astype("float32") * 0.9  # a few factors to find
LABELS = (np.arange(N) % 3).astype("int32")
CONDITIONS = {
    "none": (None, None),
    "categorical": (lambda: kae.Categorical(3), LABELS),
    "mixed": (
        lambda: {"digit": kae.Categorical(3), "slant": kae.Continuous(2)},
        {"digit": LABELS, "slant": RNG.normal(size=(N, 2)).astype("float32")},
    ),
}
# Model: the conditions that it is tried with.
TABLE = {
    "ae": ["none", "categorical", "mixed"],
    "vae": ["none", "categorical", "mixed"],
    "cvae": ["categorical", "mixed"],
    "factor_vae": ["none", "categorical", "mixed"],
    "adversarial_ae": ["none", "categorical", "mixed"],
    "vae_gan": ["none", "categorical", "mixed"],
    "hierarchical_vae": ["none", "categorical", "mixed"],
    "ladder_vae": ["none", "categorical", "mixed"],
    "vqvae": ["none", "categorical", "mixed"],
    "residual_vqvae": ["none", "categorical", "mixed"],
}
# What a model needs for codes of any dimension.
ARGUMENTS = {"vqvae": {"code_dim": 1}, "residual_vqvae": {"code_dim": 1}}
ROWS = [(name, condition) for name, conditions in TABLE.items() for condition in conditions]


def make(name, condition="none", jit_compile=False):
    keras.utils.set_random_seed(2)
    factory, values = CONDITIONS[condition]
    arguments = {} if factory is None else {"condition": factory()}
    network = kae.networks.MLP
    model = MODELS[name](network([16]), network([16]), latent_dim=2, **arguments, **ARGUMENTS.get(name, {}))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=jit_compile)
    return model, values


def shown(model):
    """What gets lower: the loss, or the distortion, where a discriminator that learns raises the loss."""
    return "distortion" if model.adversarial else "loss"


def test_every_public_model_has_a_row():
    assert set(TABLE) == set(MODELS)
    assert {cls.__name__ for cls in MODELS.values()} == set(kae.models.__all__) - {"MODELS"}


@pytest.mark.parametrize("name, condition", ROWS)
def test_fit_lowers_the_loss(name, condition):
    model, values = make(name, condition)
    history = model.fit(X, values, epochs=8, batch_size=16, verbose=0).history[shown(model)]
    assert history[-1] < 0.95 * history[0]


@pytest.mark.parametrize("name, condition", ROWS)
def test_file_round_trip_gives_equal_outputs_and_exact_resume(name, condition, tmp_path):
    model, values = make(name, condition)
    model.fit(X, values, epochs=1, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded.reconstruct(X, values), model.reconstruct(X, values))
    for each in (model, loaded):
        each.fit(X, values, epochs=2, initial_epoch=1, batch_size=16, verbose=0)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name, condition", ROWS)
def test_config_round_trip_gives_the_same_config(name, condition):
    model, _ = make(name, condition)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("name, condition", ROWS)
def test_parts_that_are_not_the_default_survive_the_config(name, condition):
    factory, _ = CONDITIONS[condition]
    parts = {
        "encoder": kae.networks.MLP([7, 6], activation="tanh"),
        "decoder": kae.networks.ConvDecoder([3], kernel_size=5),
        "prior": kae.latents.NormalMixture(4),
        "likelihood": kae.likelihoods.Normal(0.3),
        "objective": kae.objectives.ELBO(beta=2.0, num_samples=3),
        "seed": 9,
        "latent_dim": 5,
    }
    given = {key: value for key, value in parts.items() if key not in MODELS[name].fixed} | ARGUMENTS.get(name, {})
    if factory is not None:
        given["condition"] = factory()
    config = MODELS[name](**given).get_config()
    again = MODELS[name].from_config(config)
    assert again.get_config() == config
    assert (again.seed, again.latent_dim, again.encoder.hidden) == (9, 5, (7, 6))
    assert again.likelihood_layer.scale == 0.3
    if "objective" in given:
        assert again.objective.beta == 2.0
    if "prior" in given:
        assert again.prior_layer.components == 4


@pytest.mark.parametrize("name, condition", ROWS)
def test_parts_serve_every_model(name, condition):
    """Convolutions and another likelihood, in place of the defaults."""
    factory, values = CONDITIONS[condition]
    arguments = ARGUMENTS.get(name, {}) | ({} if factory is None else {"condition": factory()})
    conv = {"encoder": kae.networks.ConvEncoder([4, 4]), "decoder": kae.networks.ConvDecoder([4, 4])}
    model = MODELS[name](**conv, latent_dim=2, likelihood=kae.likelihoods.Normal("pixel"), **arguments)
    model.compile(jit_compile=False)
    model.fit(X, values, batch_size=32, verbose=0)
    assert model.reconstruct(X, values).shape == X.shape
    assert np.isfinite(model.evaluate(X, values, verbose=0)).all()


@pytest.mark.parametrize("name, conditions", TABLE.items())
def test_compiled_by_xla_the_step_still_lowers_the_loss(name, conditions):
    model, values = make(name, conditions[-1], jit_compile=True)
    history = model.fit(X, values, epochs=4, batch_size=16, verbose=0).history[shown(model)]
    assert history[-1] < history[0]


@pytest.mark.parametrize("name, condition", ROWS)
def test_samples_are_seeded(name, condition):
    model, values = make(name, condition)
    model.build((None, *EVENT))
    if model.prior_layer is None:
        pytest.skip("a model without a prior does not sample")
    some = None if values is None else keras.tree.map_structure(lambda v: v[:4], values)
    first, second, other = (model.sample(4, some, seed=seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-4
