"""The disentanglement metrics of a `Subject`."""

from collections.abc import Callable

import numpy as np

from keras_ae.evaluate.disentanglement import fixed_factors, irs, mutual_information, sap, udr, unsupervised
from keras_ae.evaluate.disentanglement.dci import dci as _dci
from keras_ae.evaluate.disentanglement.downstream import CLASSIFIERS, TRAIN_SIZES
from keras_ae.evaluate.disentanglement.downstream import downstream_accuracy as _downstream_accuracy
from keras_ae.evaluate.disentanglement.explicitness import explicitness as _explicitness
from keras_ae.evaluate.metric import Measurement, Need, NotApplicableError, metric
from keras_ae.evaluate.metric_inputs import check_factors, discretize
from keras_ae.evaluate.statistics import bootstrap_measurement, fraction_measurement, runs_measurement

_MOST_DIMENSIONS = 100  # the pairs of 100 dimensions take seconds, of 784 pixels many minutes
_RESAMPLES = 50


@metric("disentanglement", Need.FACTORS)
def mutual_information_gap(subject, *, num_bins=20):
    """Mutual information gap (MIG): does one code dimension know more about a factor than all others?

    Args:
        subject: a `Subject`.
        num_bins: bins of codes and continuous factors.
    """
    codes, factors = _data(subject)
    bins = mutual_information.binned(codes, factors, num_bins)
    details = {"factors": list(factors), "information": mutual_information.information(*bins).tolist()}
    yield _bootstrapped(subject, "mutual_information_gap", mutual_information.gap_of_bins, bins, num_bins, details)


@metric("disentanglement", Need.FACTORS)
def modularity(subject, *, num_bins=20):
    """Modularity: does each code dimension have information about one factor only?

    Args:
        subject: a `Subject` with at least two factors.
        num_bins: bins of codes and continuous factors.
    """
    codes, factors = _data(subject, at_least=2)
    bins = mutual_information.binned(codes, factors, num_bins)
    yield _bootstrapped(subject, "modularity", mutual_information.modularity_of_bins, bins, num_bins, {})


@metric("disentanglement", Need.FACTORS)
def separated_attribute_predictability(subject, *, classifier="thresholds", num_seeds=3):
    """SAP score: does one code dimension predict a factor better than all others?

    Args:
        subject: a `Subject`.
        classifier: classifier of categorical factors, `"thresholds"` or `"linear_svm"`.
        num_seeds: number of splits into training and test examples.
    """
    codes, factors = _data(subject)
    runs = [sap.predictability(codes, factors, classifier=classifier, seed=seed) for seed in _seeds(subject, num_seeds)]
    protocol = f"{classifier}, {len(codes)} examples; mean and interval of {num_seeds} splits"
    details = {"factors": list(factors), "predictability": np.mean(runs, axis=0).tolist()}
    name = "separated_attribute_predictability"
    yield runs_measurement(name, [sap.gap(each) for each in runs], better="higher", protocol=protocol, details=details)


@metric("disentanglement", Need.FACTORS)
def dci(subject, *, predictor="random_forest", num_seeds=3, max_examples=5000):
    """Disentanglement, completeness and informativeness, from the importances of trees.

    Args:
        subject: a `Subject` with at least two factors.
        predictor: `"random_forest"` or `"boosted_trees"`.
        num_seeds: number of draws, splits and trainings.
        max_examples: number of examples of a draw.
    """
    codes, factors = _data(subject, at_least=2)
    settings = {"predictor": predictor, "max_examples": max_examples}
    runs = [_dci(codes, factors, seed=seed, **settings) for seed in _seeds(subject, num_seeds)]
    num = min(max_examples, len(codes))
    protocol = f"{predictor}, {num} examples, a third of them for test; mean and interval of {num_seeds} seeds"
    importance = np.mean([each.importance for each in runs], axis=0).tolist()
    for name in ("disentanglement", "completeness", "informativeness"):
        details = {"factors": list(factors), "importance": importance} if name == "disentanglement" else {}
        values = [getattr(each, name) for each in runs]
        yield runs_measurement(name, values, better="higher", protocol=protocol, details=details)


@metric("disentanglement", Need.FACTORS)
def factor_vae_score(subject, *, simulator=None, num_train=1000, num_eval=1000):
    """FactorVAE score: does the code dimension that varies least tell which factor is fixed?

    Args:
        subject: a `Subject` with at least two factors.
        simulator: function from factors {name: values [M]} to examples, for exact interventions, such as
            `keras_ae.datasets.strokes.render`; `None` for groups of the subject's examples.
        num_train: number of training batches.
        num_eval: number of test batches.
    """
    codes, factors = _data(subject, at_least=2)
    simulate = _simulate(subject, "factor_vae_score", simulator)
    settings = {"batch_size": 64, "num_train": num_train, "num_eval": num_eval, "num_groups": 10, "min_std": 0.05}
    hits = fixed_factors.factor_vae_hits(codes, factors, simulate=simulate, seed=subject.seed, **settings)
    yield fraction_measurement("factor_vae_score", hits, better="higher", protocol=_batches(simulator, num_train, hits))


@metric("disentanglement", Need.FACTORS)
def beta_vae_score(subject, *, simulator=None, num_train=1000, num_eval=1000):
    """beta-VAE score: does a linear classifier find the factor that pairs of examples have in common?

    Args:
        subject: a `Subject` with at least two factors.
        simulator: function from factors {name: values [M]} to examples, for exact interventions, such as
            `keras_ae.datasets.strokes.render`; `None` for groups of the subject's examples.
        num_train: number of training batches.
        num_eval: number of test batches.
    """
    codes, factors = _data(subject, at_least=2)
    simulate = _simulate(subject, "beta_vae_score", simulator)
    settings = {"batch_size": 64, "num_train": num_train, "num_eval": num_eval, "num_groups": 10}
    hits = fixed_factors.beta_vae_hits(codes, factors, simulate=simulate, seed=subject.seed, **settings)
    yield fraction_measurement("beta_vae_score", hits, better="higher", protocol=_batches(simulator, num_train, hits))


@metric("disentanglement", Need.FACTORS)
def interventional_robustness(subject, *, num_groups=10):
    """Interventional robustness (IRS): does a code dimension stay where it is while other factors vary?

    Args:
        subject: a `Subject`.
        num_groups: quantiles of a continuous factor.
    """
    codes, factors = _data(subject)
    classes = np.stack([each.classes(num_groups) for each in check_factors(factors, len(codes))], axis=1)
    protocol = f"{len(codes)} examples; normal interval of {_RESAMPLES} bootstraps"
    yield bootstrap_measurement(
        "interventional_robustness",
        irs.robustness_of_classes,
        codes.astype(np.float64),
        classes,
        num=_RESAMPLES,
        seed=subject.seed,
        bounds=(0.0, 1.0),
        better="higher",
        protocol=protocol,
    )


@metric("disentanglement", Need.FACTORS)
def explicitness(subject, *, num_seeds=3, max_examples=5000):
    """Explicitness: does a linear classifier of the code recognize each value of each factor?

    Args:
        subject: a `Subject`.
        num_seeds: number of draws and splits.
        max_examples: number of examples of a draw.
    """
    codes, factors = _data(subject)
    values = [
        _explicitness(codes, factors, max_examples=max_examples, seed=seed) for seed in _seeds(subject, num_seeds)
    ]
    protocol = (
        f"logistic regression, {min(max_examples, len(codes))} examples, a third of them for test; "
        f"mean and interval of {num_seeds} seeds"
    )
    yield runs_measurement("explicitness", values, better="higher", protocol=protocol)


@metric("disentanglement")
def unsupervised_scores(subject, *, num_bins=20):
    """Dependence of code dimensions on each other: total correlation, Wasserstein correlation, mutual information.

    Args:
        subject: a `Subject`.
        num_bins: bins of the codes, for the mutual information.
    """
    if subject.codes.shape[1] > _MOST_DIMENSIONS:
        raise NotApplicableError(
            f"unsupervised_scores compares all pairs of code dimensions, of at most {_MOST_DIMENSIONS}. "
            f"Received: {subject.codes.shape[1]}"
        )
    codes = subject.codes[subject.rows].astype(np.float64)
    bins = discretize(codes, num_bins)
    for name, function, values, unit in (
        ("gaussian_total_correlation", unsupervised.gaussian_total_correlation, codes, "nats"),
        ("gaussian_wasserstein_correlation", unsupervised.gaussian_wasserstein_correlation, codes, ""),
        ("mutual_information_score", unsupervised.pairwise_score, bins, "nats"),
    ):
        protocol = f"{len(codes)} examples; normal interval of {_RESAMPLES} bootstraps"
        settings = {"num": _RESAMPLES, "seed": subject.seed, "bounds": (0.0, np.inf)}
        yield bootstrap_measurement(name, function, values, unit=unit, better="lower", protocol=protocol, **settings)


@metric("disentanglement", Need.OTHER_SEEDS)
def unsupervised_disentanglement_ranking(subject, *, similarity="spearman", num_resamples=20):
    """UDR: do models of one recipe, with different seeds, find the same code dimensions?

    Args:
        subject: a `Subject` with `other_seeds`.
        similarity: `"spearman"` or `"lasso"`.
        num_resamples: number of bootstraps of the interval.
    """
    name = "unsupervised_disentanglement_ranking"
    codes = [each.codes[subject.rows] for each in (subject, *subject.other_seeds)]

    def score(*codes):
        return udr.unsupervised_disentanglement_ranking(codes, similarity=similarity)[0]

    yield bootstrap_measurement(
        name,
        score,
        *codes,
        num=num_resamples,
        seed=subject.seed,
        bounds=(0.0, 1.0),
        better="higher",
        protocol=f"{similarity}, {len(codes)} models, {len(codes[0])} examples; normal interval of bootstraps",
    )


@metric("disentanglement")
def downstream_accuracy(subject, *, classifiers=CLASSIFIERS, train_sizes=TRAIN_SIZES, num_seeds=3):
    """Accuracy of classifiers that learn the factors, or the labels, from few and from many codes.

    Args:
        subject: a `Subject` with factors or labels.
        classifiers: any of `"logistic_regression"` and `"boosted_trees"`.
        train_sizes: numbers of training examples; those above two thirds of the examples are left out.
        num_seeds: number of draws of training and test examples.
    """
    if not subject.factors and subject.labels is None:
        raise NotApplicableError("downstream_accuracy needs factors or labels.")
    codes, factors = _data(subject) if subject.factors else (subject.codes, {"label": subject.labels})
    codes, factors = codes[: 2**16], {name: values[: 2**16] for name, values in factors.items()}
    sizes = [size for size in train_sizes if size <= len(codes) * 2 / 3]
    if not sizes:
        raise NotApplicableError(f"downstream_accuracy needs more than {min(train_sizes)} examples.")
    for classifier in classifiers:
        runs = [
            _downstream_accuracy(codes, factors, classifier=classifier, train_sizes=sizes, seed=seed)
            for seed in _seeds(subject, num_seeds)
        ]
        for row, size in enumerate(sizes):
            per_factor = np.stack([each.accuracy[row] for each in runs])  # [S, F]
            details = {"factors": list(factors), "accuracy": per_factor.mean(axis=0).tolist()}
            protocol = f"{size} training examples; mean over factors, and mean and interval of {num_seeds} seeds"
            fields = {"unit": "fraction", "better": "higher", "protocol": protocol, "details": details}
            yield runs_measurement(f"{classifier}_{size}", per_factor.mean(axis=1), **fields)


def _data(subject, at_least=1):
    """Returns the codes and factors of the kept examples."""
    if len(subject.factors) < at_least:
        raise NotApplicableError(f"This score needs at least {at_least} factors. Received: {len(subject.factors)}.")
    return subject.codes[subject.rows], {name: values[subject.rows] for name, values in subject.factors.items()}


def _bootstrapped(subject, name, function, bins, num_bins, details) -> Measurement:
    protocol = f"{len(bins[0])} examples, {num_bins} bins; normal interval of {_RESAMPLES} bootstraps"
    fields = {"better": "higher", "protocol": protocol, "details": details}
    settings = {"num": _RESAMPLES, "seed": subject.seed, "bounds": (0.0, 1.0)}
    return bootstrap_measurement(name, function, *bins, **settings, **fields)


def _simulate(subject, name, simulator) -> Callable | None:
    if simulator is None:
        return None
    if subject.model is not None and subject.model.condition is not None:
        raise NotApplicableError(f"{name} with a simulator needs a model without a condition.")
    return lambda factors: subject.encode(simulator(factors))


def _batches(simulator, num_train, hits):
    source = "groups of equal or binned values" if simulator is None else "simulated interventions"
    return (
        f"{num_train} training and {len(hits)} test batches of 64, from {source}; Wilson's interval over test batches"
    )


def _seeds(subject, num):
    return range(subject.seed, subject.seed + num)
