"""Clusters of codes in which neighbors agree."""

import itertools

import keras
import numpy as np
import tensorflow as tf

_HIDDEN, _BATCH, _NEIGHBORS, _RESTARTS = 64, 512, 10, 20
_STEPS = (1500, 4500)  # of all networks, and of the best one after that


def cluster_by_neighbors(codes: np.ndarray, num_clusters: int, *, seed: int = 0, verbose: bool = False) -> np.ndarray:
    """Clusters codes so that neighbors are in the same cluster, and all clusters are used.

    A network q(k|z) with two hidden layers is trained on pairs of a code z_i and one z_j of its ten nearest neighbors:

        loss = -mean_ij log sum_k q(k|z_i) q(k|z_j) - H(mean_i q(k|z_i))

    The entropy H of the mean keeps the clusters from collapsing to one, and favors clusters of equal size. The loss has
    local minima: of 20 networks from different initial weights, the one with the lowest loss is kept. In contrast to
    k-means and Gaussian mixtures, clusters may have any shape, as long as few pairs of neighbors cross a border.

    Args:
        codes: codes [N, D], N >= 2.
        num_clusters: the number of clusters, K.
        seed: integer seed of the initial weights and the pairs.
        verbose: whether to show a progress bar.

    Returns:
        float32 array [N, K], the probability of each cluster for each code; rows sum to 1.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=[60, 2]) + np.repeat([[-9.0], [9.0]], 30, axis=0)
        >>> clusters = cluster_by_neighbors(codes, 2).argmax(axis=1)
        >>> len(set(clusters[:30])), len(set(clusters[30:])), len(set(clusters))
        (1, 1, 2)

    References:
        Van Gansbeke et al. 2020, "SCAN", arXiv:2005.12320, equation 2. The paper takes neighbors of features
        learned by contrasting augmented images, and gives the entropy a weight of 5.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    num = len(codes)
    count = min(_NEIGHBORS, num - 1)
    neighbors = NearestNeighbors(n_neighbors=count + 1).fit(codes).kneighbors(codes, return_distance=False)[:, 1:]
    scaled = tf.constant((codes - codes.mean(axis=0)) / (codes.std(axis=0) + 1e-6), tf.float32)
    weights = _initial_weights(scaled.shape[1], num_clusters, seed)
    bar = keras.utils.Progbar(sum(_STEPS), verbose=int(verbose), unit_name="step")
    rng = np.random.default_rng(seed)
    _train(weights, scaled, neighbors, _STEPS[0], rng, bar)
    everything = np.arange(num)
    losses = [_each_loss(weights, scaled, everything, neighbors[:, i]) for i in range(count)]
    best = int(np.argmin(np.mean(losses, axis=0)))
    weights = [keras.Variable(weight[best : best + 1]) for weight in weights]
    _train(weights, scaled, neighbors, _STEPS[1], rng, bar)
    return np.asarray(_probabilities(weights, scaled)[0])


def _train(weights, codes, neighbors, steps, rng, bar):
    """Trains all networks on the same batches."""
    optimizer = keras.optimizers.Adam()
    optimizer.build(weights)

    @tf.function
    def step(first, second):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(_each_loss(weights, codes, first, second))
        optimizer.apply(tape.gradient(loss, weights), weights)

    num, count = neighbors.shape
    size = min(num, _BATCH)
    for number in range(steps):
        start = number % (num // size) * size
        if start == 0:
            order = rng.permutation(num)
        rows = order[start : start + size]
        step(tf.constant(rows, tf.int32), tf.constant(neighbors[rows, rng.integers(0, count, size)], tf.int32))
        bar.add(1)


def _initial_weights(num_inputs, num_clusters, seed):
    """The weights of all networks: kernels [R, in, out] and biases [R, 1, out], by layer."""
    rng, sizes = np.random.default_rng([seed, 1]), (num_inputs, _HIDDEN, _HIDDEN, num_clusters)
    weights = []
    for before, after in itertools.pairwise(sizes):
        limit = np.sqrt(6.0 / (before + after))  # Glorot's
        weights.append(rng.uniform(-limit, limit, [_RESTARTS, before, after]))
        weights.append(np.zeros([_RESTARTS, 1, after]))
    return [keras.Variable(weight, dtype="float32") for weight in weights]


def _probabilities(weights, codes):
    """q(k|z) of all networks for codes [B, D]: [R, B, K]."""
    *hidden, (kernel, bias) = zip(weights[::2], weights[1::2], strict=True)
    h = tf.tile(codes[tf.newaxis], [kernel.shape[0], 1, 1])
    for inner, offset in hidden:
        h = tf.nn.relu(h @ inner + offset)
    return tf.nn.softmax(h @ kernel + bias)


def _each_loss(weights, codes, first, second):
    """The loss of each network, [R], for the rows of codes and of their neighbors, [B]."""
    probabilities = _probabilities(weights, tf.gather(codes, tf.concat([first, second], axis=0)))
    p, q = tf.split(probabilities, 2, axis=1)  # [R, B, K]
    agreement = tf.reduce_mean(tf.math.log(tf.reduce_sum(p * q, axis=-1) + 1e-8), axis=-1)
    mean = tf.reduce_mean(p, axis=1)
    entropy = -tf.reduce_sum(tf.math.xlogy(mean, mean), axis=-1)
    return -agreement - entropy
