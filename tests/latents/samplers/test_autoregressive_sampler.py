"""A distribution over the numbers of entries, fitted after the model."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import keras_ae as kae
from keras_ae.latents.posteriors.codebook import codes_of
from keras_ae.latents.samplers import AutoregressiveSampler

CODEBOOKS = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")  # [depth, num_codes, code_dim]
EVERY = np.array(list(itertools.product(range(3), repeat=4)), "int32")  # all codes of four places
CONTEXT = np.eye(2, dtype="float32")


def made(depth=2, conditional=False, scale=0.7):
    """One over four numbers of three entries with every weight at random."""
    codes = AutoregressiveSampler(5, hidden=(12, 9))
    codes.num_codes, codes.table_shape, codes.context_size = 1, (depth, 3, 2), 2 * conditional
    codes.build((None, 4 // depth * 2))
    rng = np.random.default_rng(1)
    codes.set_weights([rng.normal(size=w.shape, scale=scale) for w in codes.get_weights()])
    codes.codebooks.assign(CODEBOOKS[:depth])
    return codes


@pytest.mark.parametrize("depth", [1, 2])
def test_probabilities_of_all_codes_add_up_to_one(depth):
    probabilities = np.exp(made(depth).log_prob(EVERY).numpy().astype("float64"))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities.max() > 3 / 81  # and they are not all alike


def test_each_number_depends_on_all_before_it_and_on_none_after():
    codes = made()
    features = codes.numbers.features(tf.constant(EVERY)).numpy()  # [81, 4, 5]
    for place in range(4):
        for start in range(place):  # numbers that differ in one place before it
            a, b = EVERY[:, start] == 0, EVERY[:, start] == 1
            assert np.abs(features[a, place] - features[b, place]).max() > 1e-3
        same = [np.ptp(features[(EVERY[:, :place] == head).all(axis=1), place], axis=0) for head in EVERY[:, :place]]
        np.testing.assert_allclose(same, 0, atol=1e-6)  # rows of a matrix product may be rounded differently


@pytest.mark.parametrize("conditional", [False, True])
def test_samples_follow_the_probabilities(conditional):
    codes = made(conditional=conditional, scale=0.5)
    num = 20_000
    context = tf.repeat(CONTEXT[1:], num, axis=0) if conditional else None
    z = codes.sample(tf.fill([num], 5), tf.range(num), context).numpy()
    table = codes_of(EVERY, codes.codebooks).numpy()  # [81, 4]
    number = ((z[:, np.newaxis] - table) ** 2).sum(axis=-1).argmin(axis=1)
    np.testing.assert_allclose(z, table[number], atol=1e-6)  # codes of the codebooks, and of nothing else
    expected = num * np.exp(codes.log_prob(EVERY, tf.repeat(CONTEXT[1:], 81, axis=0) if conditional else None).numpy())
    observed = np.bincount(number, minlength=81)
    often = expected > 5
    chi = ((observed - expected)[often] ** 2 / expected[often]).sum()
    assert often.sum() > 20 and stats.chi2(often.sum() - 1).sf(chi) > 1e-3


def test_samples_depend_on_seed_and_row_alone():
    codes = made()
    seeds, rows = tf.fill([6], 5), tf.range(6)
    z = codes.sample(seeds, rows)
    np.testing.assert_allclose(codes.sample(seeds[3:], rows[3:]), z[3:], atol=1e-6)
    assert np.abs(codes.sample(seeds + 1, rows) - z).max() > 0


def test_codes_are_sums_over_depth_of_their_entries():
    index = np.array([[0, 1, 2, 2]])
    expected = [*CODEBOOKS[0, 0] + CODEBOOKS[1, 1], *CODEBOOKS[0, 2] + CODEBOOKS[1, 2]]
    np.testing.assert_allclose(codes_of(index, CODEBOOKS)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(codes_of(index, CODEBOOKS[:1])[0], CODEBOOKS[0][[0, 1, 2, 2]].reshape(-1), rtol=1e-6)


TRANSITIONS = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.05, 0.9, 0.05]])


def chains(num, seed=2):
    """Four numbers each of a Markov chain, and the entropy of all four in nats."""
    rng = np.random.default_rng(seed)
    index = np.zeros([num, 4], "int32")
    index[:, 0] = rng.integers(0, 3, num)
    for place in range(1, 4):
        index[:, place] = (rng.random((num, 1)) > TRANSITIONS[index[:, place - 1]].cumsum(axis=1)).sum(axis=1)
    start, entropy = np.full(3, 1 / 3), np.log(3)
    for _ in range(3):
        entropy -= (start[:, np.newaxis] * TRANSITIONS * np.log(TRANSITIONS)).sum()
        start = start @ TRANSITIONS
    return index, entropy


def test_it_learns_a_markov_chain():
    index, entropy = chains(4000)
    codes = AutoregressiveSampler(8, hidden=(32,), epochs=12, learning_rate=0.01)
    codes.fit(index, CODEBOOKS[:1], verbose=False)
    held_out, _ = chains(4000, seed=3)
    # 4,000 chains have a mean of -log p within 0.02 of the entropy; what is not learned adds to it.
    assert float(-np.mean(codes.log_prob(held_out))) == pytest.approx(entropy, abs=0.06)
    assert not codes.trainable_variables  # by a model that holds it
    np.testing.assert_array_equal(codes.codebooks, CODEBOOKS[:1])


def test_it_learns_what_the_condition_says():
    labels = np.arange(600) % 2
    index = np.tile(labels[:, np.newaxis], [1, 4]).astype("int32")
    codes = AutoregressiveSampler(8, hidden=(16,), epochs=12, learning_rate=0.02)
    codes.fit(index, CODEBOOKS[:1], CONTEXT[labels], verbose=False)
    z = codes.sample(tf.fill([40], 1), tf.range(40), tf.constant(CONTEXT[labels[:40]]))
    right = (np.abs(z - codes_of(index[:40], CODEBOOKS[:1])) < 1e-6).all(axis=1)
    assert right.mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("cls", [kae.models.VQVAE, kae.models.ResidualVQVAE])
def test_a_model_samples_from_it_survives_its_file_and_exports(cls, tmp_path):
    network, labels, x = kae.networks.MLP, np.arange(50) % 2, np.random.default_rng(6).random((50, 6))
    condition = {"condition": kae.Categorical(2)} if cls is kae.models.VQVAE else {}
    model = cls(network([8]), network([8]), latent_dim=8, num_codes=3, code_dim=2, **condition)
    model.build((None, 6))
    given = (labels,) if condition else ()
    with pytest.raises(ValueError, match="has no prior"):
        model.sample(2, *(values[:2] for values in given))
    with pytest.raises(ValueError, match="must be over the same codes as `posterior`"):
        model.fit_sampler("normal", x, *given)
    fitted = model.fit_sampler(AutoregressiveSampler(4, hidden=[16], epochs=1), x, *given, verbose=False)
    assert fitted is model.sampler and fitted.table_shape[1:] == (3, 2)
    draw = {"condition": [0, 1, 1]} if condition else {}
    samples = model.sample(3, seed=4, **draw)
    model.compile()
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.sample(3, seed=4, **draw), samples)
    assert again.sampler.num_codes == 50 and not again.sampler.trainable_variables
    seeds = [model.sample_codes(20, seed=seed, **({"condition": 1} if condition else {})) for seed in (4, 5)]
    assert np.abs(seeds[0] - seeds[1]).max() > 0
    card = kae.export.litert(again, tmp_path / "a.tflite")
    assert card.errors["generate"]["x"]["max"] < 1e-5


@pytest.mark.parametrize(
    "index, codebooks, message",
    [
        ([[0, 1], [3, 0]], CODEBOOKS[:1], r"`index` must be in \[0, 3\). Received: from 0 to 3"),
        ([[0.5, 1.0]], CODEBOOKS[:1], r"`index` must be integers \[N, places\]"),
        ([0, 1], CODEBOOKS[:1], r"`index` must be integers \[N, places\]"),
        ([[0, 1]], CODEBOOKS[0], r"`codebooks` must have shape \[depth, K, code_dim\]. Received: \[3, 2\]"),
        ([[0, 1]], CODEBOOKS, r"`codes` must have at least 20 rows for dimension 2. Received: 1"),
    ],
)
def test_codes_of_another_quantizer_are_refused(index, codebooks, message):
    with pytest.raises(ValueError, match=message):
        AutoregressiveSampler().fit(np.array(index), codebooks)
