"""DCI, from the entropies of its importances."""

import numpy as np
import pytest
from known_codes import FACTORS, NOISY
from scipy import stats

from keras_ae.evaluate.disentanglement import dci


@pytest.mark.parametrize("predictor", ["random_forest", "boosted_trees"])
def test_dci_is_made_of_entropies_of_importances(predictor):
    factors = {"binary": FACTORS["shape"] > 1, "angle": FACTORS["angle"], "size": FACTORS["size"]}
    found = dci(NOISY, factors, predictor=predictor, max_examples=300)
    importance = found.importance
    assert importance.shape == (3, 3)
    np.testing.assert_allclose(importance.sum(axis=0), 1.0)
    for name, rows in (("disentanglement", importance), ("completeness", importance.T)):
        scores = [1 - stats.entropy(row, base=len(row)) for row in rows]
        weights = [row.sum() / importance.sum() for row in rows]
        np.testing.assert_allclose(getattr(found, name), np.dot(weights, scores), rtol=1e-9)
