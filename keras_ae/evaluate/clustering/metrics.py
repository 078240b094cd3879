"""The clustering metrics of a `Subject`."""

import functools

import numpy as np

from keras_ae.evaluate.clustering import algorithms
from keras_ae.evaluate.clustering.agreement import agreement_of_counts, contingency
from keras_ae.evaluate.clustering.distance_concentration import DIMS, noise_contrast, relative_contrast
from keras_ae.evaluate.clustering.internal_scores import silhouette, stability
from keras_ae.evaluate.clustering.model_clusters import ClusterModel
from keras_ae.evaluate.clustering.num_clusters import CRITERIA, Draw
from keras_ae.evaluate.metric import Measurement, Need, NotApplicableError, metric
from keras_ae.evaluate.metric_inputs import check_labels
from keras_ae.evaluate.representations import representations
from keras_ae.evaluate.statistics import (
    bootstrap_measurement,
    choices_measurement,
    fraction_measurement,
    resampled_measurement,
    runs_measurement,
)

_SCORES = {"accuracy": "fraction", "nmi": "", "ari": "", "v_measure": ""}
_NUM_RESAMPLES = 200


@metric("clustering", Need.LABELS)
def kmeans(subject, *, clusters=None, num_seeds=5, umap_dim=None):
    """Agreement of k-means clusters with the labels, on codes and on raw values.

    Args:
        subject: a `Subject`.
        clusters: number of clusters; `None` for the number of classes.
        num_seeds: number of runs.
        umap_dim: dimension of a UMAP before clustering, or `None` for none.
    """
    found = functools.partial(algorithms.kmeans, num_clusters=_num_clusters(subject, clusters))
    yield from _over_seeds(subject, found, "k-means, best of 10 starts", num_seeds, umap_dim)


@metric("clustering", Need.LABELS)
def gaussian_mixture(subject, *, clusters=None, num_seeds=5, umap_dim=None):
    """Agreement of the components of a Gaussian mixture with the labels, on codes and on raw values.

    Args:
        subject: a `Subject`.
        clusters: number of components; `None` for the number of classes.
        num_seeds: number of runs.
        umap_dim: dimension of a UMAP before clustering, or `None` for none.
    """
    found = functools.partial(algorithms.gaussian_mixture, num_clusters=_num_clusters(subject, clusters))
    yield from _over_seeds(subject, found, "Gaussian mixture", num_seeds, umap_dim)


@metric("clustering", Need.LABELS)
def hdbscan(subject, *, min_cluster_size=None, max_examples=5000, umap_dim=None):
    """Agreement of HDBSCAN clusters with the labels, on codes and on raw values.

    Args:
        subject: a `Subject`.
        min_cluster_size: least number of examples of a cluster; `None` for 1% of the examples, at least 5.
        max_examples: number of examples that are clustered.
        umap_dim: dimension of a UMAP before clustering, or `None` for none.
    """
    for space, x, labels in _spaces(subject, umap_dim, max_examples):
        found = algorithms.hdbscan(x, min_cluster_size=min_cluster_size)
        protocol = f"HDBSCAN on {_described(x, umap_dim)}; noise is wrong"
        yield from _agreements(f"{space}_", labels, found, protocol, subject.seed)
        details = {"num_clusters": int(found.max()) + 1}
        protocol = f"{protocol}; Wilson's interval"
        yield fraction_measurement(f"{space}_noise", found < 0, protocol=protocol, details=details)


@metric("clustering", Need.MODEL, Need.LABELS)
def model_clusters(subject):
    """Agreement of the model's clusters with the labels, and their silhouette in the codes.

    Args:
        subject: a `Subject` of a model with a method `cluster(x, condition)`.
    """
    if not isinstance(subject.model, ClusterModel):
        raise NotApplicableError("model_clusters needs a model with clusters, such as GaussianMixtureVAE or JointVAE.")
    try:
        parts = [np.asarray(subject.model.cluster(x, condition)) for x, condition in subject.batches("clusters")]
    except RuntimeError as error:  # clusters that are not initialized
        raise NotApplicableError(str(error)) from error
    found = np.concatenate(parts).astype(np.int64)
    protocol = f"clusters of the model for {len(found)} examples"
    yield from _agreements("", subject.labels, found, protocol, subject.seed)
    if 2 <= len(np.unique(found)) < len(found):
        value = silhouette(subject.codes, found, seed=subject.seed)
        protocol = f"codes of at most 2000 of {len(found)} examples"
        yield Measurement("silhouette", value, better="higher", protocol=protocol)


@metric("clustering")
def number_of_clusters(subject, *, criteria=CRITERIA, candidates=range(2, 16), num_seeds=3, max_examples=2000):
    """Number of clusters in the codes, chosen without labels.

    Every seed draws examples and fits every candidate: k-means with 3 starts for all criteria; from its clusters, a
    Gaussian mixture for BIC; and k-means of 5 reference sets for the gap statistic. The value is the median of the
    choices, which stand beside it.

    Args:
        subject: a `Subject`.
        criteria: any of `"silhouette"`, `"bic"` and `"gap"`.
        candidates: numbers of clusters that are compared; those above half of the examples are left out.
        num_seeds: number of draws of examples and starts.
        max_examples: number of examples of a draw.
    """
    num = min(max_examples, len(subject.codes))
    small = [each for each in candidates if each <= num / 2]
    if not small:
        raise NotApplicableError(f"number_of_clusters needs at least {2 * min(candidates)} examples. Received: {num}")
    draws = [Draw(subject.codes, max_examples, seed) for seed in _seeds(subject, num_seeds)]
    for criterion in criteria:
        runs = [each.choose(criterion, small) for each in draws]
        details = {"candidates": small, "values": [list(each.values) for each in runs]}
        protocol = f"{num} codes, {small[0]} to {small[-1]} clusters; median of the choices of {num_seeds} seeds"
        yield choices_measurement(criterion, [each.best for each in runs], protocol=protocol, details=details)


@metric("clustering")
def distance_concentration(subject, *, num_queries=100, max_examples=5000, dims=DIMS):
    """Relative contrast of distances on codes and raw values, against noise of growing dimension.

    Args:
        subject: a `Subject`.
        num_queries: number of examples whose distances to all others are taken.
        max_examples: number of examples.
        dims: dimensions of the noise.
    """
    settings = {"num_queries": num_queries, "seed": subject.seed}
    if len(subject.codes) < 3:
        raise NotApplicableError(f"distance_concentration needs at least 3 examples. Received: {len(subject.codes)}")
    for space, x, _ in _spaces(subject, None, max_examples):
        curve = noise_contrast(dims, num_examples=len(x), **settings)
        # The dimension of noise with an equal contrast, between points of the curve. It falls with the dimension.
        contrasts = relative_contrast(x, max_examples=len(x), **settings)
        median = max(np.median(contrasts), np.finfo(np.float64).tiny)  # 0 where all distances are equal
        equal = np.exp(np.interp(-np.log(median), -np.log(curve), np.log(dims)))
        details = {
            "dimension": x.shape[1],
            "dimension_of_noise": float(equal),
            "noise": {"dims": list(dims), "contrast": curve.tolist()},
        }
        protocol = f"median of {len(contrasts)} of {_described(x)}, Euclidean; normal interval of 200 bootstraps"
        fields = {"better": "higher", "protocol": protocol, "details": details}
        yield bootstrap_measurement(space, np.median, contrasts, seed=subject.seed, bounds=(0.0, np.inf), **fields)


def _over_seeds(subject, algorithm, description, num_seeds, umap_dim):
    seeds = _seeds(subject, num_seeds)
    for space, x, labels in _spaces(subject, umap_dim):
        runs = [algorithm(x, seed=seed) for seed in seeds]
        tables = [contingency(labels, clusters) for clusters in runs]
        scores = [agreement_of_counts(counts) for counts in tables]
        protocol = f"{description}, on {_described(x, umap_dim)}; mean and interval of {num_seeds} seeds"
        fields = {"better": "higher", "protocol": protocol}
        for name, unit in _SCORES.items():
            values = [getattr(each, name) for each in scores]
            details = {"seeds": values}
            if name == "accuracy":
                details["confusion"] = tables[0].tolist()
            yield runs_measurement(f"{space}_{name}", values, unit=unit, details=details, **fields)
        spread = [
            silhouette(x, clusters, seed=subject.seed) for clusters in runs if 1 < len(np.unique(clusters)) < len(x)
        ]
        if spread:
            yield runs_measurement(f"{space}_silhouette", spread, **fields)
        if num_seeds > 1:
            yield _stability(f"{space}_stability", np.stack(runs), fields)


def _stability(name, runs, fields):
    """The stability of runs [S, N], with the standard error of its jackknife over runs."""
    value, num = stability(runs), len(runs)
    if num < 3:
        return Measurement(name, value, **fields)
    without = np.array([stability(np.delete(runs, each, axis=0)) for each in range(num)])
    error = float(np.sqrt((num - 1) / num * ((without - without.mean()) ** 2).sum()))
    return Measurement(name, value, error, **fields)


def _agreements(prefix, labels, clusters, protocol, seed):
    """Yields the agreement of clusters with labels, and its bootstrap: resampled rows are multinomial counts."""
    counts, has_noise = contingency(labels, clusters), bool((clusters < 0).any())
    total, found = counts.sum(), agreement_of_counts(counts, has_noise)
    resampled = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, _NUM_RESAMPLES)
    draws = [agreement_of_counts(each.reshape(counts.shape), has_noise) for each in resampled]
    hits = np.arange(total) < round(found.accuracy * total)
    fields = {"better": "higher", "details": {"confusion": counts.tolist()}}
    of_matching = f"{protocol}; Wilson's interval at the best matching"
    yield fraction_measurement(f"{prefix}accuracy", hits, protocol=of_matching, **fields)
    fields = {"better": "higher", "protocol": f"{protocol}; normal interval of {_NUM_RESAMPLES} bootstraps"}
    for name, low in (("nmi", 0.0), ("ari", -1.0), ("v_measure", 0.0)):
        values = [getattr(each, name) for each in draws]
        yield resampled_measurement(prefix + name, getattr(found, name), values, (low, 1.0), **fields)


def _spaces(subject, umap_dim=None, max_examples=None):
    """Yields (name, values [M, D], labels [M]) of the codes and, unless they are the codes, of the raw values."""
    codes, raw, labels = representations(subject, max_examples)
    for name, x in {"codes": codes, "raw": raw}.items():
        if name == "raw" and np.array_equal(raw, codes):
            continue
        yield name, x if umap_dim is None else _umap(x, umap_dim, subject.seed), labels


def _umap(x, dim, seed):
    try:
        return algorithms.umap_codes(x, dim, seed=seed)
    except ImportError as error:
        raise NotApplicableError(str(error)) from error


def _described(x, umap_dim=None):
    return f"{len(x)} examples of {x.shape[1]} {'values' if umap_dim is None else 'dimensions of UMAP'}"


def _num_clusters(subject, clusters):
    return int(check_labels(subject.labels).max()) + 1 if clusters is None else clusters


def _seeds(subject, num):
    return range(subject.seed, subject.seed + num)
