"""Scores of clusters against labels, beside scikit-learn and a search over all matchings."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from keras_ae.evaluate.clustering import accuracy, agreement, contingency


@pytest.fixture(scope="module", params=[(4, 4), (3, 5), (5, 3)])
def pair(request):
    rng = np.random.default_rng(sum(request.param))
    labels = rng.integers(request.param[0], size=300)
    clusters = np.where(rng.random(300) < 0.6, labels, rng.integers(9, size=300)) % request.param[1]
    return labels, clusters


def test_accuracy_is_that_of_the_best_matching_of_all(pair):
    labels, clusters = pair
    num = max(labels.max(), clusters.max()) + 1
    best = max(np.mean(np.array(each)[clusters] == labels) for each in itertools.permutations(range(num)))
    np.testing.assert_allclose(accuracy(labels, clusters), best)


def test_scores_are_those_of_scikit_learn(pair):
    found = agreement(*pair)
    np.testing.assert_allclose(
        [found.nmi, found.ari, found.homogeneity, found.completeness, found.v_measure],
        [
            metrics.normalized_mutual_info_score(*pair),
            metrics.adjusted_rand_score(*pair),
            *metrics.homogeneity_completeness_v_measure(*pair),
        ],
        rtol=1e-9,
    )
    np.testing.assert_array_equal(contingency(*pair), metrics.cluster.contingency_matrix(*pair))


def test_names_of_classes_and_clusters_do_not_matter(pair):
    labels, clusters = pair
    named = np.array(["e", "d", "c", "b", "a"])[labels]
    # Sums in another order.
    np.testing.assert_allclose(_values(agreement(named, 7 - clusters)), _values(agreement(*pair)), rtol=1e-12)


def test_a_single_class_or_cluster_has_the_values_of_scikit_learn():
    several, one = np.array([0, 1, 1, 2]), np.zeros(4, int)
    for pair in ((several, one), (one, several), (one, one), (several, several)):
        expected = [metrics.normalized_mutual_info_score(*pair), metrics.adjusted_rand_score(*pair)]
        np.testing.assert_allclose([agreement(*pair).nmi, agreement(*pair).ari], expected, atol=1e-12)
    assert agreement([1], [1]) == agreement(several, several)


def test_noise_is_wrong_and_a_cluster_of_its_own_in_the_other_scores():
    labels, clusters = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 1, -1, -5])
    assert accuracy(labels, clusters) == pytest.approx(4 / 6)
    assert agreement(labels, clusters).ari == 1.0
    assert contingency(labels, clusters).tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert accuracy(labels, np.full(6, -1)) == 0.0 and agreement(labels, np.full(6, -1)).nmi == 0.0


def _values(found):
    return [found.accuracy, found.nmi, found.ari, found.homogeneity, found.completeness, found.v_measure]
