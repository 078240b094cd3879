"""Explicitness, by the ranks of codes."""

import numpy as np
from known_codes import FACTORS, NOISY, NUM

from keras_ae.evaluate.disentanglement import explicitness
from keras_ae.evaluate.disentanglement.splitting import split


def test_the_explicitness_of_one_dimension_is_that_of_its_ranks():
    """The logistic regression is monotone, so the area is Mann and Whitney's statistic of the code itself."""
    z, binary, test = NOISY[:, :1], FACTORS["shape"] > 1, split(NUM, 0)[1]
    ones, zeros = z[test][binary[test], 0], z[test][~binary[test], 0]
    pairs = (ones[:, np.newaxis] > zeros).mean()
    np.testing.assert_allclose(explicitness(z, {"b": binary}), max(pairs, 1 - pairs), atol=1e-6)
