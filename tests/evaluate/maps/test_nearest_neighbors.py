"""The accuracy of nearest neighbors, from its definition."""

import numpy as np

from keras_ae.evaluate.maps import knn_accuracy

RNG = np.random.default_rng(0)


def test_the_accuracy_is_that_of_a_vote_of_the_nearest_others():
    x, labels = RNG.normal(size=[60, 3]), RNG.integers(3, size=60)
    labels[x[:, 0] > 0.3] = 1
    hits = []
    for i in range(60):
        others = np.delete(np.arange(60), i)
        nearest = labels[others[np.argsort(np.linalg.norm(x[others] - x[i], axis=1))[:4]]].tolist()
        most = max(map(nearest.count, nearest))
        hits.append(next(each for each in nearest if nearest.count(each) == most) == labels[i])
    np.testing.assert_allclose(knn_accuracy(x, labels, neighbors=4), np.mean(hits))


def test_one_class_is_always_right_and_a_draw_follows_its_seed():
    x = RNG.normal(size=[200, 2])
    labels = x[:, 0] > 0
    assert knn_accuracy(x, np.ones(200)) == 1.0
    assert knn_accuracy(x, labels, max_examples=80, seed=2) == knn_accuracy(x, labels, max_examples=80, seed=2)
