"""Representations to compare a model with: raw pixels and principal components."""

from collections.abc import Callable

import numpy as np

from keras_ae.evaluate.subject import Subject


def pixels(subject: Subject) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from examples to their raw values [B, D]."""

    def pixels(x):
        return np.asarray(x, np.float32).reshape(len(x), -1)

    return pixels


def pca(subject: Subject) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from examples to principal components, fitted to the training examples.

    There are as many components as the codes of the model have dimensions, or as the training examples allow.

    Raises:
        ValueError: without a reference.
    """
    if subject.reference is None:
        raise ValueError("`against` can have 'pca' only with `reference`, training examples to fit it to.")
    from sklearn.decomposition import PCA  # slow to import

    reference = np.asarray(subject.reference, np.float32)
    reference = reference.reshape(len(reference), -1)
    dim = min(subject.codes.shape[1], *reference.shape)
    fitted = PCA(dim, random_state=subject.seed).fit(reference)

    def pca(x):
        return fitted.transform(np.asarray(x, np.float32).reshape(len(x), -1)).astype(np.float32)

    return pca


REPRESENTATIONS = {"pca": pca, "pixels": pixels}
