"""Distances between points that are all far from the origin keep the digits that float32 has for them.

|a|^2 - 2 a.b + |b|^2 loses them: at 1e4, squares have an error of about 10. Each function gets the same float32 points
as they are and, in float64, around their center, where nothing is lost.
"""

import types

import numpy as np
import pytest
import tensorflow as tf
from tiers import checkered

from keras_ae import latents
from keras_ae.evaluate import clustering, frechet_distance, maps
from keras_ae.evaluate.latent_honesty import Likeness
from keras_ae.evaluate.samples import manifold_overlap, memorization
from keras_ae.latents.posteriors.codebook import Codebook
from keras_ae.objectives.estimators.kernels import KERNELS, squared_discrepancy
from keras_ae.outliers.scores import SCORES

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
POINTS = (RNG.normal(size=[60, 4]) + 2.0 * np.eye(3, 4)[LABELS], RNG.normal(size=[40, 4]))


def nearest_entries(points, entries):
    book = Codebook(len(entries), entries.shape[1], update="ema", seed=0)
    book.build()
    book.entries.assign(entries)
    return book(tf.constant(points, tf.float32))[1]


def discrepancy(kernel):
    def function(points, others):
        points, others = (tf.constant(each[:40], tf.float32) for each in (points, others))
        return squared_discrepancy(points, others, KERNELS[kernel], (1.0, 8.0), tf.fill([40], 1 / 40))

    return function


def outlier_score(name):
    def function(points, others):
        usual, others = (types.SimpleNamespace(codes=codes) for codes in (points, others))
        return SCORES[name]().fit(usual)(others)

    return function


def log_density(make):
    def function(points, others):
        sampler = make()
        sampler.fit(points, verbose=False)
        return sampler.distribution().log_prob(tf.constant(others, tf.float32))

    return function


# Functions of two sets of points, and the tolerance: float32 carries 7 digits.
FUNCTIONS = {
    "codebook": (nearest_entries, 0),
    "imq": (discrepancy("imq"), 1e-5),
    "rbf": (discrepancy("rbf"), 1e-5),
    "likeness": (lambda a, b: Likeness(a, b).scores(b), 1e-5),
    "code_density": (outlier_score("code_density"), 1e-5),
    "code_neighbors": (outlier_score("code_neighbors"), 1e-5),
    "normal_sampler": (log_density(latents.NormalSampler), 1e-3),
    "gaussian_mixture_sampler": (log_density(lambda: latents.GaussianMixtureSampler(2)), 1e-3),
    "kernel_density_sampler": (log_density(latents.KernelDensitySampler), 1e-3),
    "kmeans": (lambda a, b: clustering.kmeans(a, 3), 0),
    "gaussian_mixture": (lambda a, b: clustering.gaussian_mixture(a, 3), 0),
    "hdbscan": (lambda a, b: clustering.hdbscan(a), 0),
    "silhouette": (lambda a, b: clustering.silhouette(a, LABELS), 1e-5),
    "relative_contrast": (lambda a, b: clustering.relative_contrast(a), 1e-5),
    "knn_accuracy": (lambda a, b: maps.knn_accuracy(a, LABELS), 0),
    "trustworthiness": (lambda a, b: maps.trustworthiness(a, a[:, :2]), 0),
    "continuity": (lambda a, b: maps.continuity(a, a[:, :2]), 0),
    "frechet_distance": (frechet_distance, 1e-5),
    "manifold_overlap": (lambda a, b: manifold_overlap(a, b).density, 0),
    "memorization": (lambda a, b: memorization(a, b, b).distances, 1e-5),
}


@pytest.mark.parametrize(("name", "shift"), checkered(FUNCTIONS, [1e3, 1e4]))
def test_a_common_shift_changes_nothing(name, shift):
    function, tolerance = FUNCTIONS[name]
    far = [(each + shift).astype("float32") for each in POINTS]
    near = [each.astype("float64") - shift for each in far]
    found, expected = (np.asarray(function(*each), np.float64) for each in (far, near))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
