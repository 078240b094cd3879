"""The map metrics of a `Subject`."""

import importlib.util

import numpy as np

from keras_ae.evaluate.maps.codes_2d import codes_2d
from keras_ae.evaluate.maps.nearest_neighbors import knn_hits
from keras_ae.evaluate.maps.preservation import preservation
from keras_ae.evaluate.metric import Need, NotApplicableError, metric
from keras_ae.evaluate.representations import representations
from keras_ae.evaluate.statistics import fraction_measurement, mean_measurement
from keras_ae.evaluate.threads import threads_for

BASELINES = ("pca", "tsne", "umap")


@metric("maps", Need.LABELS)
def knn_accuracy(subject, *, neighbors=5, max_examples=2000, baselines=BASELINES):
    """Accuracy of nearest neighbors in the codes, against two-dimensional maps of the raw values.

    Args:
        subject: a `Subject`.
        neighbors: number of neighbors.
        max_examples: number of examples that are mapped.
        baselines: any of `"pca"`, `"tsne"` and `"umap"`, the last of which is left out where it is not installed.
    """
    _check_size(subject, "knn_accuracy", neighbors, neighbors + 1)
    for name, points, _, labels in _maps(subject, max_examples, baselines):
        protocol = f"{neighbors} nearest of {len(points)} examples, leave-one-out; Wilson's interval"
        hits = knn_hits(points, labels, neighbors=neighbors, max_examples=len(points))
        yield fraction_measurement(name, hits, better="higher", protocol=protocol, details=_size(points))


@metric("maps")
def trustworthiness(subject, *, neighbors=5, max_examples=2000, baselines=BASELINES):
    """Trustworthiness of the codes, against two-dimensional maps of the raw values: are neighbors of codes real ones?

    Args:
        subject: a `Subject`.
        neighbors: number of neighbors.
        max_examples: number of examples that are mapped.
        baselines: any of `"pca"`, `"tsne"` and `"umap"`, the last of which is left out where it is not installed.
    """
    yield from _preserved(subject, 0, neighbors, max_examples, baselines)


@metric("maps")
def continuity(subject, *, neighbors=5, max_examples=2000, baselines=BASELINES):
    """Continuity of the codes, against two-dimensional maps of the raw values: do neighbors stay neighbors?

    Args:
        subject: a `Subject`.
        neighbors: number of neighbors.
        max_examples: number of examples that are mapped.
        baselines: any of `"pca"`, `"tsne"` and `"umap"`, the last of which is left out where it is not installed.
    """
    yield from _preserved(subject, 1, neighbors, max_examples, baselines)


def _check_size(subject, name, neighbors, least):
    num = len(subject.rows)
    if num < least:
        raise NotApplicableError(f"{name} with {neighbors} neighbors needs at least {least} examples. Received: {num}")


def _preserved(subject, number, neighbors, max_examples, baselines):
    _check_size(subject, ("trustworthiness", "continuity")[number], neighbors, 2 * neighbors + 1)
    for name, points, raw, _ in _maps(subject, max_examples, baselines):
        key = ("preservation", name, neighbors, max_examples)
        values = subject.once(key, lambda p=points, r=raw: _preservation(r, p, neighbors))[number]
        protocol = f"{neighbors} nearest of {len(points)} examples, Euclidean; interval of the mean over examples"
        yield mean_measurement(name, values, better="higher", protocol=protocol, details=_size(points))


def _preservation(raw, points, neighbors):
    return preservation(raw, points, neighbors=neighbors, max_examples=len(raw))


def _maps(subject, max_examples, baselines):
    """Yields (name, points [M, 1 or more], raw values [M, E], labels) of the codes and the baselines."""
    codes, raw, labels = representations(subject, max_examples)
    yield "codes", codes, raw, labels
    if codes.shape[1] > 2:
        yield "codes_2d", _map(subject, "codes", codes, "pca", max_examples), raw, labels
    for method in baselines:
        if method != "umap" or _has_umap():
            yield method, _map(subject, "raw", raw, method, max_examples), raw, labels


def _map(subject, source, values, method, max_examples):
    """Returns points [M, 2], computed once."""
    key = ("map", source, method, max_examples)

    def points():
        with threads_for(len(values) ** 2):
            return codes_2d(values, method, seed=subject.seed)[0]

    return subject.once(key, points)


def _has_umap():
    return importlib.util.find_spec("umap") is not None


def _size(points):
    return {"dimension": int(np.shape(points)[1])}
