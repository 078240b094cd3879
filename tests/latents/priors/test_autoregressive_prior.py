"""A prior over the numbers of entries, which learns together with the codebook."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.posteriors.codebook import codes_of
from keras_ae.networks import MLP
from keras_ae.step_context import StepContext

EVERY = np.array(list(itertools.product(range(3), repeat=4)), "int32")  # all codes of four numbers of three entries
RNG = np.random.default_rng(0)
KINDS = RNG.random((5, 6)).astype("float32")
KIND = np.repeat(np.arange(5), [40, 24, 16, 10, 6])
X = KINDS[KIND]
LABELS = (KIND % 2).astype("int32")
SEED = tf.constant([1, 2])


def made(prior="autoregressive", *, conditional=False, scale=0.0, **arguments):
    """A model whose codes are four numbers, with weights of the prior at random where a scale is given."""
    keras.utils.set_random_seed(3)
    arguments = {"num_codes": 3, "code_dim": 2, "latent_dim": 4, "depth": 2, **arguments}
    if prior == "autoregressive":
        prior = latents.AutoregressivePrior(5, hidden=(12, 9))
    condition = kae.Categorical(2) if conditional else None
    model = kae.models.ResidualVQVAE(MLP([8]), MLP([8]), prior=prior, condition=condition, **arguments)
    model.build((None, 6))
    if scale:
        weights = model.prior_layer.get_weights()
        model.prior_layer.set_weights([RNG.normal(size=w.shape, scale=scale) for w in weights])
    return model


def given(conditional, labels=LABELS):
    return (labels,) if conditional else ()


@pytest.mark.parametrize("conditional", [False, True])
def test_the_rate_is_the_divergence_from_a_distribution_over_all_codes(conditional):
    model = made(conditional=conditional, scale=0.7)
    q = model.posterior(X, *given(conditional))
    kls = []
    for row, numbers in enumerate(q.index.numpy()[:6]):
        p = model.prior(*given(conditional, np.full(len(EVERY), LABELS[row])))
        p = p.log_prob_of_indices(EVERY).numpy().astype("float64")
        assert np.exp(p).sum() == pytest.approx(1, abs=1e-5) and np.ptp(p) > 1
        point = (numbers == EVERY).all(axis=1)  # q(k|x): all probability for one code
        kls.append(-np.sum(point * p))
    found = model.terms(X[:6], LABELS[:6] if conditional else None, StepContext(SEED))["kl"]
    np.testing.assert_allclose(found, kls, rtol=1e-5)
    score = kae.evaluate.score(model, X[:6], *given(conditional, LABELS[:6]))
    np.testing.assert_allclose(score["kl"], kls, rtol=1e-5)
    np.testing.assert_allclose(score["elbo"], -(score["kl"] + score["reconstruction"]), rtol=1e-6)


PARTS = ("encoder", "decoder", "posterior_layer", "likelihood_layer")


@pytest.mark.slow
@pytest.mark.parametrize("update", first(1, ["ema", "gradient"]))
def test_the_autoencoder_becomes_what_it_is_without_the_prior(update):
    priors = [None, latents.AutoregressivePrior(5, hidden=(12,))]
    plain, model = models = [
        kae.Autoencoder(
            MLP([8]),
            MLP([8]),
            latent_dim=4,
            posterior=latents.VectorQuantizer(3, code_dim=2, update=update),
            prior=prior,
            objective="vector_quantization",
        )
        for prior in priors
    ]
    for each in models:
        each.build((None, 6))
    for part in PARTS:
        getattr(model, part).set_weights(getattr(plain, part).get_weights())
    histories = []
    for each in models:
        each.compile(keras.optimizers.Adam(0.01), jit_compile=False)
        histories.append(each.fit(X, epochs=4, batch_size=16, verbose=0).history)
    for part in PARTS:
        for one, other in zip(getattr(plain, part).weights, getattr(model, part).weights, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    without, along = histories
    assert set(along) - set(without) == {"kl"} and along["kl"][-1] < along["kl"][0]
    np.testing.assert_allclose(along["reconstruction"], without["reconstruction"], rtol=1e-5)
    np.testing.assert_allclose(np.subtract(along["loss"], along["kl"]), without["loss"], rtol=1e-5)


def test_the_gradient_of_the_rate_reaches_the_prior_alone():
    model = made(scale=0.5)
    with tf.GradientTape() as tape:
        kl = tf.reduce_mean(model.terms(X, None, StepContext(SEED))["kl"])
    gradients = tape.gradient(kl, model.trainable_variables)
    reached = {each.path for each, found in zip(model.trainable_variables, gradients, strict=True) if found is not None}
    assert reached == {each.path for each in model.prior_layer.trainable_variables}


@pytest.mark.slow
@pytest.mark.parametrize("conditional", first(1, [True, False]))
def test_it_learns_how_often_codes_are_and_draws_them_so(conditional):
    model = made(conditional=conditional, num_codes=6, depth=1, latent_dim=6)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(X, *given(conditional), epochs=150, batch_size=32, verbose=0)
    codes = model.posterior(X, *given(conditional)).index.numpy()
    each, number = np.unique(codes, axis=0, return_inverse=True)
    number, label = number.reshape(-1), LABELS if conditional else np.zeros_like(LABELS)
    assert len(each) > 3
    # No distribution has a smaller mean KL than the entropy of the codes, given the label where that is told.
    counts = np.array([np.bincount(number[label == value], minlength=len(each)) for value in range(2)])
    entropy = stats.entropy(counts.reshape(-1)) - stats.entropy(counts.sum(axis=1))
    kl = float(np.mean(kae.evaluate.score(model, X, *given(conditional))["kl"]))
    assert entropy < kl < entropy + 0.05
    drawn = model.sample_codes(2000, *given(conditional, 0), seed=5).numpy()
    table = codes_of(tf.constant(each), model.posterior_layer.codebooks).numpy()
    share = (np.abs(drawn[:, np.newaxis] - table).max(axis=-1) < 1e-6).mean(axis=0)
    assert share.sum() > 0.935  # exp(-0.05) at least, and 3 standard deviations of 2,000 draws
    np.testing.assert_allclose(share, counts[0] / counts[0].sum(), atol=0.05)


def test_draws_of_the_distribution_follow_the_probabilities():
    model = made(conditional=True, scale=0.5)
    labels = np.array([0, 1])
    p = model.prior(labels)
    assert p.batch_shape == (2,) and p.event_shape == (4,)
    num = 20_000
    z = p.sample(num, seed=SEED).numpy()
    assert z.shape == (num, 2, 4)
    np.testing.assert_array_equal(z, p.sample(num, seed=SEED))
    table = codes_of(tf.constant(EVERY), model.posterior_layer.codebooks).numpy()
    for column, label in enumerate(labels):
        number = (np.abs(z[:, column, np.newaxis] - table) < 1e-6).all(axis=-1).argmax(axis=1)
        expected = num * np.exp(model.prior(np.full(len(EVERY), label)).log_prob_of_indices(EVERY))
        observed, often = np.bincount(number, minlength=81), expected > 5
        chi = ((observed - expected)[often] ** 2 / expected[often]).sum()
        assert often.sum() > 20 and stats.chi2(often.sum() - 1).sf(chi) > 1e-3


def test_a_low_temperature_draws_the_likeliest_numbers():
    model = made(scale=0.7)
    z = model.sample_codes(50, seed=3).numpy()
    np.testing.assert_array_equal(model.sample_codes(50, seed=3, temperature=1.0), z)
    assert len(np.unique(z, axis=0)) > 5
    numbers, layer = np.zeros((1, 4), "int32"), model.prior_layer.numbers
    for place in range(4):  # the best of each, given those before it
        features = layer.features(tf.constant(numbers)).numpy()[0, place]
        logits = layer.asked.numpy()[place % 2] @ features + layer.offsets.numpy()[place]
        numbers[0, place] = logits.argmax()
    expected = codes_of(tf.constant(numbers), model.posterior_layer.codebooks)
    cold = model.sample_codes(50, seed=3, temperature=1e-3).numpy()
    np.testing.assert_allclose(cold, np.repeat(expected, 50, axis=0), atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_it_survives_its_file_and_exports(tmp_path):
    model = made(conditional=True, scale=0.4)
    model.compile()
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.sample(5, 1, seed=4), model.sample(5, 1, seed=4))
    np.testing.assert_array_equal(again.prior_layer.hidden, (12, 9))
    found = [kae.evaluate.score(each, X[:4], LABELS[:4])["elbo"] for each in (model, again)]
    np.testing.assert_array_equal(*found)
    assert kae.export.litert(again, tmp_path / "a.tflite").errors["generate"]["x"]["max"] < 1e-5


@pytest.mark.slow
@pytest.mark.usefixtures("in_process")
def test_a_server_has_every_signature_of_it(tmp_path):
    errors = kae.export.saved_model(made(conditional=True, scale=0.4), tmp_path / "1").errors
    assert set(errors) == {"decode", "sample", "generate", "encode", "reconstruct", "score"}
    assert errors["generate"]["x"]["max"] < 1e-5 and errors["score"]["kl"]["max"] < 1e-4


def test_a_sampler_that_is_fitted_takes_its_place():
    model = made(scale=0.5)
    before = model.sample_codes(20, seed=1).numpy()
    model.fit_sampler(kae.latents.AutoregressiveSampler(4, hidden=[8], epochs=1), X, verbose=False)
    assert np.abs(model.sample_codes(20, seed=1) - before).max() > 0


def model_of(posterior, prior="autoregressive", objective="vector_quantization", **others):
    return kae.Autoencoder(latent_dim=4, posterior=posterior, prior=prior, objective=objective, **others)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: model_of("deterministic", objective="reconstruction"), "`prior` must be over the same codes"),
        (lambda: model_of("diagonal_normal", objective="elbo"), "`prior` must be over the same codes as `posterior`"),
        (lambda: model_of("vector_quantizer", "standard_normal"), "VectorQuantizer over codes of a codebook and Stand"),
        (lambda: model_of("vector_quantizer", "vamp"), "needs a posterior whose codes have a density"),
        (lambda: latents.MixedPrior([latents.AutoregressivePrior()], (4,)), r"Received: parts=\['AutoregressivePrior'"),
        (lambda: made(made().prior_layer), "AutoregressivePrior must not be shared by two models"),
        (lambda: latents.AutoregressivePrior().distribution(), "has no codebook yet: make it part of a model"),
        (lambda: made(conditional=True).prior().sample(3), "`condition` must be given"),
        (lambda: model_of("deterministic", None, "reconstruction", sampler="autoregressive"), "`sampler` must be over"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
