"""A Gaussian mixture for each common value of a condition: against scikit-learn, in samples, files and exports."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from scipy import stats
from sklearn.mixture import GaussianMixture

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.isolated_runner import open_saved_model
from keras_ae.latents.samplers import GaussianMixtureSampler

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [400, 600, 15])
CENTERS = np.array([[-5.0, 2.0], [5.0, 2.0], [0.0, -40.0]])
CODES = (RNG.normal(size=[len(LABELS), 2]) * [1.0, 3.0] + CENTERS[LABELS]).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")


@pytest.fixture(scope="module")
def sampler():
    sampler = GaussianMixtureSampler(2)
    sampler.fit(CODES, ONE_HOT[LABELS], verbose=False)
    return sampler


def whitened(z):
    factor = np.linalg.cholesky(np.cov(CODES.astype("float64"), rowvar=False))
    return np.linalg.solve(factor, (z - CODES.mean(axis=0, dtype="float64")).T).T, np.linalg.slogdet(factor)[1]


def expected(rows, z):
    """Log-density of a mixture fitted to some rows."""
    white, log_det = whitened(CODES)
    mixture = GaussianMixture(2, random_state=0, max_iter=500).fit(white.astype("float32").astype("float64")[rows])
    return mixture.score_samples(whitened(z)[0]) - log_det


@pytest.mark.parametrize(
    "label, rows", [(0, LABELS == 0), (1, LABELS == 1), (2, slice(None))], ids=["first", "second", "too few codes"]
)
def test_density_of_a_label_equals_scikit_learn(sampler, label, rows):
    assert sampler.contexts_shape == [2, 3]  # the third label has 15 codes, and 20 are needed
    z = CODES[::50]
    found = sampler.distribution(np.tile(ONE_HOT[label], [len(z), 1])).log_prob(z)
    np.testing.assert_allclose(found, expected(rows, z), rtol=1e-3, atol=1e-3)


def test_without_a_condition_the_density_is_of_all_codes(sampler):
    z = CODES[::50]
    np.testing.assert_allclose(sampler.distribution().log_prob(z), expected(slice(None), z), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("label", [0, 1])
def test_samples_of_a_label_have_its_distribution(sampler, label):
    num = 4000
    context = tf.constant(np.tile(ONE_HOT[label], [num, 1]))
    z = sampler.sample(tf.fill([num], 5), tf.range(num), context).numpy()
    codes = CODES[label == LABELS]
    for axis in range(2):
        assert stats.ks_2samp(z[:, axis], codes[:, axis]).pvalue > 1e-3
    np.testing.assert_allclose(np.cov(z.T), np.cov(codes.T), rtol=0.2, atol=0.4)  # of 400 codes, 7% standard error


def test_rows_of_one_call_have_their_own_conditions(sampler):
    labels = np.array([0, 1, 2, 1, 0], np.int32)
    seeds, rows = tf.fill([5], 3), tf.range(5)
    together = sampler.sample(seeds, rows, tf.constant(ONE_HOT[labels])).numpy()
    for row, label in enumerate(labels):
        alone = sampler.sample(seeds[row : row + 1], rows[row : row + 1], tf.constant(ONE_HOT[label : label + 1]))
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5, atol=1e-5)


def test_a_continuous_condition_shares_one_mixture():
    sampler = GaussianMixtureSampler(2)
    sampler.fit(CODES, RNG.normal(size=[len(CODES), 1]), verbose=False)
    assert sampler.contexts_shape is None and sampler.logits.shape == (2,)
    assert sampler.distribution(np.zeros([4, 1], "float32")).batch_shape.rank == 0


def test_a_config_of_an_older_version_has_one_mixture():
    config = GaussianMixtureSampler(2).get_config()
    del config["contexts_shape"]
    assert GaussianMixtureSampler.from_config({**config, "num_codes": 9, "unit": False}).contexts_shape is None


def conditional_model():
    x = RNG.random((120, 6, 5, 1)).astype("float32")
    labels = np.arange(120) % 3
    x[labels == 1] *= 0.2
    model = kae.models.ConditionalVAE(
        kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, condition=kae.Categorical(3)
    )
    model.build((None, 6, 5, 1))
    model.fit_sampler(GaussianMixtureSampler(2), x, labels, verbose=False)
    return model


def test_a_file_draws_the_same(tmp_path):
    model = conditional_model()
    assert model.sampler.contexts_shape == [3, 3]
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.sample(6, [0, 1, 2] * 2, seed=3), model.sample(6, [0, 1, 2] * 2, seed=3))


@pytest.mark.slow
def test_exports_draw_the_same(tmp_path):
    model = conditional_model()
    write(tmp_path / "saved_model", ServerSignatures(model, 100).all())
    servers, _ = open_saved_model(str(tmp_path / "saved_model"))
    card = kae.export.litert(model, tmp_path / "a.tflite")
    device = Interpreter(str(card.path)).get_signature_runner("generate")
    expected = model.sample(3, [2, 0, 1], seed=7)
    for serve in servers.values():
        inputs = {"seed": np.int32(7), "num": np.int32(3), "condition": np.int32([2, 0, 1])}
        inputs["temperature"] = np.float32(1)
        np.testing.assert_allclose(serve("generate", inputs)["x"], expected, atol=2e-6)
    for row, label in enumerate([2, 0, 1]):
        drawn = device(seed=np.int32([7]), row=np.int32([row]), condition=np.int32([label]))["x"]
        np.testing.assert_allclose(drawn[0], expected[row], atol=5e-6)  # logarithm and cosine of another library
