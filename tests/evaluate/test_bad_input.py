"""Every function of codes, and every metric, on bad input: a clear error or the documented value, never NaN."""

import dataclasses

import metric_walk
import numpy as np
import pytest
from metric_walk import has_a_width

from keras_ae.evaluate import (
    METRICS,
    Need,
    NotApplicableError,
    Subject,
    classifier,
    clustering,
    disentanglement,
    maps,
    regressor,
)

RNG = np.random.default_rng(0)
CODES, LABELS = RNG.normal(size=[12, 3]), np.arange(12) % 3
FACTORS = {"a": LABELS, "b": RNG.normal(size=12)}
BATCHES = {"num_train": 10, "num_eval": 10}

# Functions of codes alone, of codes and labels, of codes and factors, and of examples and codes.
ALONE = {
    "kmeans": lambda z: clustering.kmeans(z, 2),
    "gaussian_mixture": lambda z: clustering.gaussian_mixture(z, 2),
    "hdbscan": clustering.hdbscan,
    "umap_codes": clustering.umap_codes,
    "num_clusters": lambda z: clustering.num_clusters(z, candidates=(2, 3)).values,
    "num_clusters_bic": lambda z: clustering.num_clusters(z, "bic", candidates=(2, 3)).values,
    "num_clusters_gap": lambda z: clustering.num_clusters(z, "gap", candidates=(2, 3)).values,
    "relative_contrast": clustering.relative_contrast,
    "gaussian_total_correlation": disentanglement.gaussian_total_correlation,
    "gaussian_wasserstein_correlation": disentanglement.gaussian_wasserstein_correlation,
    "mutual_information_score": disentanglement.mutual_information_score,
    "udr": lambda z: disentanglement.unsupervised_disentanglement_ranking([z, z]),
}
LABELED = {
    "silhouette": clustering.silhouette,
    "knn_accuracy": lambda z, y: maps.knn_accuracy(z, y, neighbors=3),
}
WITH_FACTORS = {
    "mutual_information_matrix": disentanglement.mutual_information_matrix,
    "mutual_information_gap": disentanglement.mutual_information_gap,
    "modularity": disentanglement.modularity,
    "predictability": disentanglement.predictability,
    "separated_attribute_predictability": disentanglement.separated_attribute_predictability,
    "dci": disentanglement.dci,
    "factor_vae_score": lambda z, v: disentanglement.factor_vae_score(z, v, num_groups=3, **BATCHES),
    "beta_vae_score": lambda z, v: disentanglement.beta_vae_score(z, v, num_groups=3, **BATCHES),
    "interventional_robustness": disentanglement.interventional_robustness,
    "explicitness": disentanglement.explicitness,
    "downstream_accuracy": lambda z, v: disentanglement.downstream_accuracy(z, v, train_sizes=(4,)).accuracy,
    "downstream_accuracy_trees": lambda z, v: (
        disentanglement.downstream_accuracy(z, v, train_sizes=(4,), classifier="boosted_trees").accuracy
    ),
}
OF_X = {
    "trustworthiness": lambda z, x: maps.trustworthiness(x, z, neighbors=3),
    "continuity": lambda z, x: maps.continuity(x, z, neighbors=3),
}
SECOND = {**dict.fromkeys(LABELED, LABELS), **dict.fromkeys(WITH_FACTORS, FACTORS), **dict.fromkeys(OF_X, CODES)}
FUNCTIONS = {**ALONE, **LABELED, **WITH_FACTORS, **OF_X}
BAD_CODES = {
    "empty": np.zeros([0, 3]),
    "no_dimension": np.zeros([12, 0]),
    "one_axis": np.arange(12.0),
    "nan": np.where(np.arange(36).reshape(12, 3) == 5, np.nan, CODES),
    "infinity": np.where(np.arange(36).reshape(12, 3) == 5, np.inf, CODES),
    "too_large": CODES * 1e39,
    "words": np.full([12, 3], "a"),
    "ragged": [[1.0, 2.0], [3.0]],
    "none": None,
    "one_example": CODES[:1],
}
# What is returned for constant codes; other functions refuse them.
CONSTANT = {
    "hdbscan": -1,
    "silhouette": 0,
    "gaussian_total_correlation": 0,
    "gaussian_wasserstein_correlation": 0,
    "mutual_information_score": 0,
    "udr": 0,
    "mutual_information_matrix": 0,
    "mutual_information_gap": 0,
    "modularity": 0,
    "separated_attribute_predictability": 0,
    "factor_vae_score": 0,
    "interventional_robustness": 0,
    "explicitness": 0.5,
}
CHANCE = {"predictability", "dci", "beta_vae_score", "downstream_accuracy", "downstream_accuracy_trees"}


def call(name, codes, second=None):
    given = SECOND.get(name)
    rows = 0 if codes is None else len(codes)
    if second is None and given is not None:
        second = {key: each[:rows] for key, each in given.items()} if isinstance(given, dict) else given[:rows]
    return FUNCTIONS[name](codes) if second is None else FUNCTIONS[name](codes, second)


def numbers(result):
    parts = dataclasses.astuple(result) if dataclasses.is_dataclass(result) else (result,)
    return np.concatenate([np.ravel(each) for each in parts])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_good_input_gives_finite_numbers(name):
    if name == "umap_codes":
        pytest.skip("needs umap-learn and more examples")
    assert np.isfinite(numbers(call(name, CODES))).all()


@pytest.mark.parametrize("bad", BAD_CODES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_codes_are_refused(name, bad):
    with pytest.raises(ValueError, match=r"^`[^`]+` must .*Received: "):
        call(name, BAD_CODES[bad])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_constant_codes_have_the_documented_value_or_are_refused(name):
    codes = np.full([12, 3], 0.7)
    if name in CHANCE:
        assert (numbers(call(name, codes)) >= 0).all() and (numbers(call(name, codes)) <= 1).all()
    elif name in CONSTANT:
        np.testing.assert_array_equal(numbers(call(name, codes)), CONSTANT[name])
    else:
        with pytest.raises(ValueError, match=r"^`[^`]+` must .*Received: "):
            call(name, codes)


@pytest.mark.parametrize("name", [*LABELED, *WITH_FACTORS, *OF_X])
@pytest.mark.parametrize("kind", ["short", "two_axes", "empty", "nan"])
def test_what_goes_with_codes_has_their_rows(name, kind):
    wrong = {
        "short": lambda values: values[:-1],
        "two_axes": lambda values: np.stack([values, values]),
        "empty": lambda values: values[:0],
        "nan": lambda values: np.where(np.arange(len(values)) == 1, np.nan, values.T).T,
    }[kind]
    given = SECOND[name]
    with pytest.raises(ValueError, match=r"^`[^`]+` must .*Received: "):
        call(name, CODES, {"a": LABELS, "b": wrong(given["b"])} if isinstance(given, dict) else wrong(given))


@pytest.mark.parametrize("name", WITH_FACTORS)
def test_no_factor_and_a_constant_factor_are_refused(name):
    for factors in ({}, {"a": LABELS, "b": np.ones(12)}, {"a": LABELS, "b": ["x"] * 12}):
        with pytest.raises(ValueError, match=r"^`factors.*` must .*Received: "):
            call(name, CODES, factors)


@pytest.mark.parametrize("algorithm", [clustering.kmeans, clustering.gaussian_mixture])
def test_more_clusters_than_rows_are_refused(algorithm):
    for wrong in (13, 0, 2.5, True):
        with pytest.raises(ValueError, match="num_clusters"):
            algorithm(CODES, wrong)


@pytest.mark.parametrize("function", [clustering.accuracy, clustering.agreement, clustering.contingency])
@pytest.mark.parametrize(
    ("labels", "clusters"),
    [
        ([], []),
        ([0, 1], [0]),
        ([0, np.nan], [0, 1]),
        ([0, 1], [0.5, 1.0]),
        ([[0], [1]], [[0], [1]]),
        ([0, 1], ["a", "b"]),
    ],
)
def test_labels_and_clusters_must_match(function, labels, clusters):
    with pytest.raises(ValueError, match=r"^`[^`]+` must .*Received: "):
        function(labels, clusters)


@pytest.mark.parametrize("clusterings", [[], [[0, 1]], [0, 1], [[0.5, 1], [1, 0]]])
def test_stability_needs_several_clusterings(clusterings):
    with pytest.raises(ValueError, match=r"^`clusterings` must .*Received: "):
        clustering.stability(clusterings)


def test_clusters_of_one_kind_have_no_silhouette():
    for clusters in (np.zeros(12, int), np.arange(12), np.full(12, -1)):
        with pytest.raises(ValueError, match="at least 2 clusters"):
            clustering.silhouette(CODES, clusters)


def test_one_class_is_predicted():
    assert maps.knn_accuracy(CODES, np.zeros(12)) == 1.0
    assert clustering.accuracy(np.zeros(12), np.zeros(12, int)) == 1.0


def test_neighbors_are_fewer_than_examples():
    for function in (maps.trustworthiness, maps.continuity):
        with pytest.raises(ValueError, match="`neighbors` must be"):
            function(CODES, CODES, neighbors=6)
    with pytest.raises(ValueError, match="`neighbors` must be"):
        maps.knn_accuracy(CODES, LABELS, neighbors=12)


def with_nan(x):
    return np.where(np.arange(x.size).reshape(x.shape) == 50, np.nan, x)


IMAGES, NUM = metric_walk.IMAGES, metric_walk.NUM
# What the subject of a metric gets instead of good data, and whether it is refused before anything is measured. What
# is too little or too much alike is measured, or left out by the report with the reason; wrong data (None) are refused.
BAD_DATA = {
    "empty": ({"x": IMAGES[:0]}, True),
    "nan": ({"x": with_nan(IMAGES)}, True),
    "nan_in_the_reference": ({"reference": with_nan(IMAGES)}, True),
    "wrong_shape": ({"x": IMAGES[:, :3]}, True),
    "wrong_shape_of_the_reference": ({"reference": IMAGES[:, :3]}, True),
    "fewer_labels": ({"labels": metric_walk.LABELS[:-1]}, True),
    "one_example": ({"x": IMAGES[:1]}, False),
    "two_examples": ({"x": IMAGES[:2]}, False),  # fewer than neighbors, clusters, dimensions or splits
    "five_examples": ({"x": IMAGES[:5]}, False),
    "one_reference": ({"reference": IMAGES[:1]}, False),
    "one_class": ({"labels": np.zeros(NUM, int)}, False),
    "constant": ({"x": np.full_like(IMAGES, 0.5)}, False),
    "two_values": ({"x": np.repeat(IMAGES[:2], NUM // 2, axis=0)}, False),  # more clusters than different rows
    "all_constant": ({"x": np.full_like(IMAGES, 0.5), "reference": np.full_like(IMAGES, 0.5)}, False),
    "nan_in_a_factor": ({"factors": {"a": metric_walk.LABELS, "b": np.where(np.arange(NUM) == 3, np.nan, 1.0)}}, None),
    "constant_factor": ({"factors": {"a": metric_walk.LABELS, "b": np.ones(NUM)}}, False),
    "one_factor": ({"factors": {"a": metric_walk.LABELS}}, False),
}
# A graph is compiled, or a network is trained, for each case.
SLOW = {
    *metric_walk.TRAINS, "aggregate_kl", "bits_per_dimension", "elbo", "log_likelihood", "mutual_information",
    "rate_distortion", "reconstruction",
}  # fmt: skip
WITH_FACTORS_ONLY = {"nan_in_a_factor", "constant_factor", "one_factor"}
# In the short run, each metric meets every other kind.
CASES = [
    pytest.param(name, bad, marks=pytest.mark.slow if (name in SLOW and not refused) or (i + j) % 4 else ())
    for i, name in enumerate(metric_walk.OPTIONS)
    for j, (bad, (_, refused)) in enumerate(BAD_DATA.items())
    if bad not in WITH_FACTORS_ONLY or Need.FACTORS in METRICS[name].needs or name == "downstream_accuracy"
]


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    for module in (classifier, regressor):
        monkeypatch.setattr(module, "_FEWEST_STEPS", 5)


@pytest.mark.parametrize(("name", "bad"), CASES)
def test_a_metric_refuses_bad_data_or_stays_finite(name, bad):
    given, refused = BAD_DATA[bad]
    try:
        subject = metric_walk.subject_for(name, **given)
    except ValueError as error:
        assert refused and str(error).startswith("`") and "Received: " in str(error)
        return
    assert not refused
    try:
        found = METRICS[name].measure(subject, **metric_walk.OPTIONS[name])
    except NotApplicableError as error:
        assert str(error).endswith(".") or "Received: " in str(error)
    except ValueError as error:
        assert refused is None and str(error).startswith("`") and "Received: " in str(error)
    else:
        numbers = [(each.value, each.standard_error or 0, *(each.interval or ())) for each in found]
        assert numbers and all(np.isfinite(each).all() for each in numbers), found
        assert all(has_a_width(each) for each in found), found


@pytest.mark.parametrize("name", ["kmeans", "gaussian_mixture"])
def test_more_clusters_than_examples_are_refused_by_the_metric(name):
    with pytest.raises(NotApplicableError, match="`x` must have at least `num_clusters`=49 examples"):
        METRICS[name].measure(metric_walk.subject_for(name), clusters=NUM + 1)


def test_candidates_that_the_examples_are_too_few_for_are_left_out():
    (found, *_) = METRICS["number_of_clusters"].measure(metric_walk.subject_for("number_of_clusters", x=IMAGES[:9]))
    assert found.details["candidates"] == [2, 3, 4]
    with pytest.raises(NotApplicableError, match="number_of_clusters needs at least 4 examples"):
        METRICS["number_of_clusters"].measure(metric_walk.subject_for("number_of_clusters", x=IMAGES[:3]))


def test_a_class_that_the_reference_lacks_cannot_be_read():
    reference = IMAGES[metric_walk.LABELS != 1]
    with pytest.raises(NotApplicableError, match="needs a reference of all 3 classes"):
        labels = metric_walk.LABELS[metric_walk.LABELS != 1]
        subject = Subject(metric_walk.model_for("conditional_accuracy")[0], IMAGES, reference=(reference, labels))
        METRICS["conditional_accuracy"].measure(subject)


def test_metrics_of_constant_codes_have_the_documented_values():
    given = {"x": np.full_like(IMAGES, 0.5)}
    for name, expected in {
        "active_units": {"active_units": 0.0},
        "hdbscan": {"codes_noise": 1.0, "raw_noise": 1.0, "codes_accuracy": 0.0},
        "mutual_information_gap": {"mutual_information_gap": 0.0},
        "unsupervised_scores": {"gaussian_total_correlation": 0.0, "mutual_information_score": 0.0},
    }.items():
        subject = metric_walk.subject_for(name, **given)
        found = {each.name: each for each in METRICS[name].measure(subject, **metric_walk.OPTIONS[name])}
        assert {key: found[key].value for key in expected} == expected
        assert all(found[key].interval is None for key in expected if "noise" not in key and "accuracy" not in key)
