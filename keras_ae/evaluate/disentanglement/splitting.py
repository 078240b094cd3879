import numpy as np

from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.random import check_seed


def split(num: int, seed: int, fraction: float = 2 / 3) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of a training and a test part, drawn from the seed.

    Raises:
        ValueError: for fewer than 4 rows.
    """
    order = np.random.default_rng(check_seed(seed)).permutation(num)
    if num < 4:
        raise NotApplicableError(f"`codes` must have at least 4 examples, for training and test. Received: {num}")
    cut = round(num * fraction)
    return order[:cut], order[cut:]


def standardized(codes: np.ndarray) -> np.ndarray:
    """Returns codes [N, D] with mean 0 and variance 1 in each dimension; constant dimensions are 0."""
    scale = codes.std(axis=0)
    # A constant column may have a tiny scale, by rounding.
    constant = np.ptp(codes, axis=0) == 0
    return np.where(constant, 0.0, (codes - codes.mean(axis=0)) / np.where(constant, 1.0, scale))
