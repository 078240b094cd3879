"""Scores of batches with a fixed factor, beside an implementation with loops over all groups."""

import numpy as np
import pytest
from known_codes import FACTORS, IDENTITY, NOISY
from sklearn.linear_model import LogisticRegression

from keras_ae.evaluate.disentanglement import beta_vae_score, factor_vae_score
from keras_ae.evaluate.disentanglement.fixed_factors import _Batches

DISCRETE = {"shape": FACTORS["shape"], "color": np.random.default_rng(1).integers(3, size=900)}
Z = (0.8 * NOISY[:, [0, 1]]).astype("float32")
Z[:, 1] += DISCRETE["color"]


def drawn(rng, factor, num):
    values = DISCRETE[factor]
    return rng.choice(np.flatnonzero(values == rng.choice(values)), num)


def test_the_factor_vae_score_is_its_definition():
    rng, names, spread = np.random.default_rng(9), list(DISCRETE), Z.std(axis=0)

    def points(num):
        for _ in range(num):
            k = rng.integers(2)
            batch = Z[drawn(rng, names[k], 64)]
            yield int(np.argmin(((batch - batch.mean(axis=0)) ** 2).mean(axis=0) / spread**2)), k

    votes = {}
    for least, k in points(600):
        votes.setdefault(least, []).append(k)
    majority = {least: max(set(each), key=each.count) for least, each in votes.items()}
    expected = np.mean([majority.get(least) == k for least, k in points(1500)])
    # Two independent fractions of 1500 batches, with a standard error of at most 1.3% each.
    np.testing.assert_allclose(factor_vae_score(Z, DISCRETE, num_train=600, num_eval=1500), expected, atol=0.05)


def test_the_beta_vae_score_is_its_definition():
    rng, names = np.random.default_rng(9), list(DISCRETE)

    def points(num):
        found = []
        for _ in range(num):
            k = rng.integers(2)
            pairs = [Z[drawn(rng, names[k], 2)] for _ in range(8)]
            found.append((np.mean([abs(a - b) for a, b in pairs], axis=0), k))
        return map(np.array, zip(*found, strict=True))

    x, y = points(600)
    model = LogisticRegression(C=100).fit(x, y)
    expected = model.score(*points(1000))
    found = beta_vae_score(Z, DISCRETE, batch_size=8, num_train=600, num_eval=1000)
    # Two independent fractions of 1000 batches, with a standard error of at most 1.6%, from 600 examples each.
    np.testing.assert_allclose(found, expected, atol=0.07)


@pytest.mark.parametrize("same_value", [True, False])
def test_simulated_batches_fix_one_factor_and_no_other(same_value):
    asked = []

    def simulate(factors):
        asked.append(factors)
        return np.stack([np.asarray(values, float) for values in factors.values()], axis=1)

    batches = _Batches(IDENTITY, FACTORS, simulate, 16, 10, 0)
    fixed = np.array([0, 1, 2, 1])
    for number, z in zip(fixed, batches.draw(fixed, same_value), strict=True):
        assert z.shape == (16, 3)
        for column in range(3):
            equal = (z[:, column] == z[0, column]) if same_value else (z[::2, column] == z[1::2, column])
            assert equal.all() == (column == number)
    assert asked[0]["shape"].dtype.kind == "i" and set(asked[0]["angle"]) <= set(FACTORS["angle"])


def test_interventions_give_exact_scores():
    def simulate(factors):
        return np.stack([np.asarray(values, float) for values in factors.values()], axis=1)

    settings = {"simulate": simulate, "num_train": 60, "num_eval": 60}
    assert factor_vae_score(IDENTITY, FACTORS, **settings) == 1.0
    assert beta_vae_score(IDENTITY, FACTORS, **settings) == 1.0


def test_unused_dimensions_have_no_vote():
    unused = np.concatenate([IDENTITY, 1e-3 * np.random.default_rng(0).normal(size=[900, 1])], axis=1)
    settings = {"num_train": 100, "num_eval": 100}
    assert factor_vae_score(unused, FACTORS, **settings) == factor_vae_score(IDENTITY, FACTORS, **settings)


def test_groups_of_single_examples_are_refused():
    with pytest.raises(ValueError, match=r"`factors\['id'\]` must have a value of at least two examples"):
        factor_vae_score(Z, {"id": np.arange(900), "shape": FACTORS["shape"]})
