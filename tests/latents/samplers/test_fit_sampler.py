"""Any model generates once a sampler was fitted to its codes: in Keras, in files and in exports."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from parts import part
from tiers import first

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.isolated_runner import open_saved_model
from keras_ae.latents.samplers import SAMPLERS
from keras_ae.latents.spaces import Entries

SEEDS = (0, 7, 12345, 2**31 - 1)
X = np.random.default_rng(0).random((120, 6, 5, 1)).astype("float32")
LABELS = np.arange(120) % 3
SMALL = [name for name, cls in SAMPLERS.items() if cls.space != Entries()]  # tests of codebooks have the others


def autoencoder(cls=kae.models.AE, **arguments):
    network = kae.networks.MLP
    model = cls(network([12]), network([12]), latent_dim=3, **arguments)
    model.build((None, *X.shape[1:]))
    return model


@pytest.fixture(scope="module")
def fitted():
    """A function that gives an AE with a fitted sampler, made once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = autoencoder()
            made[name].fit_sampler(part("sampler", name), X, verbose=False)
        return made[name]

    return get


@pytest.mark.parametrize("name", first(1, SMALL))
def test_an_autoencoder_generates_the_same_from_its_file(fitted, name, tmp_path):
    model = fitted(name)
    assert model.sampler is model.sampler_layer
    assert model.get_config()["sampler"]["config"]["num_codes"] == 120
    images = model.sample(5, seed=3)
    assert images.shape == (5, *X.shape[1:]) and np.isfinite(images).all()
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.sample(5, seed=3), images)
    assert loaded.sampler.num_codes == 120
    assert {id(w) for w in loaded.sampler.weights} <= {id(w) for w in loaded.non_trainable_weights}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_keras_savedmodel_and_litert_draw_the_same(fitted, name, tmp_path):
    model = fitted(name)
    write(tmp_path / "saved_model", ServerSignatures(model, 100).all())
    servers, _ = open_saved_model(str(tmp_path / "saved_model"))  # of Python, and of those that read the graph alone
    card = kae.export.litert(model, tmp_path / "a.tflite")
    assert card.model["sampler"] == type(model.sampler).__name__ and card.omitted == {}
    device = Interpreter(str(card.path)).get_signature_runner("generate")
    for seed in SEEDS:
        expected = model.sample(4, seed=seed)
        for serve in servers.values():
            inputs = {"seed": np.int32(seed), "num": np.int32(4), "temperature": np.float32(1)}
            served = serve("generate", inputs)["x"]
            np.testing.assert_allclose(served, expected, atol=2e-6)
        for row in (0, 3):
            drawn = device(seed=np.int32([seed]), row=np.int32([row]))["x"]
            np.testing.assert_allclose(drawn[0], expected[row], atol=5e-6)  # logarithm and cosine of another library


def test_codes_are_draws_of_the_posterior():
    """Not its means, which are closer together than what the decoder was trained on."""
    model = autoencoder(kae.models.VAE)
    model.posterior_layer.dense.bias.assign([0.0, 0, 0, 2, 2, 2])
    sampler = model.fit_sampler("normal", np.repeat(X, 20, axis=0))
    q = model.posterior(X)
    mean, variance = q.mean().numpy(), q.variance().numpy()
    deviation = np.sqrt(variance.mean(axis=0) + mean.var(axis=0))
    covariance = (sampler.scale_tril @ tf.transpose(sampler.scale_tril)).numpy()
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), deviation, rtol=0.06)  # 2,400 draws: 1.5%, four times


def test_the_sampler_takes_the_place_of_the_prior_and_of_the_sampler_before():
    model = autoencoder(kae.models.VAE, sampler="normal")
    assert model.sampler is model.prior_layer  # until it is fitted
    before = [w.path for w in model.weights]
    first = model.fit_sampler(model.sampler_layer, X)
    assert model.sampler is first and model.prior_layer is not None
    assert len(model.weights) == len(before) + 2
    second = model.fit_sampler(part("sampler", "gaussian_mixture", components=3), X)
    assert model.sampler is second and len(model.weights) == len(before) + 5
    third = model.fit_sampler(second, X[:50])  # another of its kind, as it was fitted already
    assert model.sampler is third is not second and third.components == 3 and third.num_codes == 50
    assert len(model.weights) == len(before) + 5


def test_a_model_goes_on_learning_with_its_sampler(fitted, tmp_path):
    model = fitted("flow")
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    weights = model.sampler.get_weights()
    history = model.fit(X, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]
    for before, after in zip(weights, model.sampler.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(X, epochs=5, initial_epoch=4, verbose=0)
    np.testing.assert_array_equal(loaded.sample(3), model.sample(3))


def test_conditional_models_generate_under_each_condition():
    model = autoencoder(condition=kae.Categorical(3))
    model.fit_sampler("normal", X, LABELS)
    z = model.sample_codes(2, [0, 1], seed=1)
    np.testing.assert_allclose(model.sample(2, [0, 1], seed=1), model.decode(z, [0, 1]))
    with pytest.raises(ValueError, match="needs the condition"):
        model.fit_sampler("normal", X)


def test_a_model_made_from_the_config_alone_says_that_its_sampler_is_not_fitted(fitted):
    again = kae.models.AE.from_config(fitted("kernel_density").get_config())
    again.build((None, *X.shape[1:]))
    with pytest.raises(ValueError, match="KernelDensitySampler is not fitted: call"):
        again.sample(2)


def test_what_cannot_be_fitted_is_refused():
    model = autoencoder(sampler="flow")
    with pytest.raises(ValueError, match=r"AE has no prior: .* unless a sampler is fitted .*fit_sampler"):
        model.sample(2)
    with pytest.raises(ValueError, match=r"`sampler` must be one of .* Did you mean 'normal'"):
        model.fit_sampler("norml", X)
    with pytest.raises(TypeError, match=r"`sampler` must be .* an instance of Sampler\. Received: StandardNormal"):
        model.fit_sampler(kae.latents.StandardNormal(), X)
    with pytest.raises(ValueError, match="call `fit` before `fit_sampler`"):
        kae.models.AE().fit_sampler("normal", X)
    with pytest.raises(ValueError, match="`codes` must have at least 4"):
        model.fit_sampler("normal", X[:3])
    with pytest.raises(ValueError, match="`seed` must be"):
        model.fit_sampler("normal", X, seed=-1)
    assert model.sampler is None
    sphere = {"posterior": "power_spherical", "prior": "spherical_uniform"}
    with pytest.raises(ValueError, match="`sampler` must be over the same codes as `posterior`"):
        autoencoder(kae.Autoencoder, **sphere).fit_sampler("normal", X)
    with pytest.raises(ValueError, match="`sampler` must be over the same codes as `posterior`"):
        autoencoder(kae.Autoencoder, sampler="normal", **sphere)


def test_a_sampler_of_other_codes_is_refused(fitted):
    model = kae.models.AE(latent_dim=4, sampler=fitted("normal").sampler)
    with pytest.raises(ValueError, match="must not be shared by models or parts of different sizes"):
        model.build((None, *X.shape[1:]))


@pytest.mark.parametrize(
    "arguments, hint",
    [
        ({"posterior": "deterministic"}, r'fit_sampler\("gaussian_mixture", x\)'),
        ({"posterior": kae.latents.Deterministic("sigmoid")}, r'fit_sampler\("gaussian_mixture", x\)'),
        (
            {"posterior": kae.latents.VectorQuantizer(4, code_dim=2), "objective": "vector_quantization"},
            r'fit_sampler\("autoregressive", x\)',
        ),
        ({"posterior": "power_spherical"}, "made with a prior over the unit sphere"),
    ],
)
def test_a_model_without_a_prior_tells_a_way_to_generate_that_there_is(arguments, hint):
    model = kae.Autoencoder(latent_dim=4, prior=None, **{"objective": "reconstruction", **arguments})
    model.build((None, 6))
    with pytest.raises(ValueError, match=f"has no prior: .* cannot generate, unless .*{hint}"):
        model.sample(2)
