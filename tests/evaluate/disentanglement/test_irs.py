"""Interventional robustness, with a loop over all groups."""

import numpy as np
from known_codes import FACTORS, NOISY

from keras_ae.evaluate.disentanglement import interventional_robustness

DISCRETE = {"shape": FACTORS["shape"], "color": np.random.default_rng(1).integers(3, size=900)}
Z = NOISY.astype("float32")


def test_interventional_robustness_is_its_definition():
    scores, weights = [], []
    for z in Z.T.astype("float64"):
        largest = max(abs(z - z.mean()))
        robust = []
        for values in DISCRETE.values():
            deviations = [
                np.percentile(abs(z[values == each] - z[values == each].mean()), 99) for each in np.unique(values)
            ]
            robust.append(1 - np.mean(deviations) / largest)
        scores.append(max(robust))
        weights.append(largest)
    expected = np.dot(scores, weights) / np.sum(weights)
    np.testing.assert_allclose(interventional_robustness(Z, DISCRETE), expected, rtol=1e-9)
