"""Training of a classifier with few labels or none, so that small changes of an example do not change its class."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_ae.objectives.augmentation import affine
from keras_ae.random import stateless_normal, step_seed
from keras_ae.training.network_training import train_network

_BATCH, _LEARNING_RATE = 256, 0.001
_NEIGHBORS, _SHARE = 10, 0.25  # the radius of changes is this share of the distance to so many nearest neighbors
_SEARCHED = 6000  # examples among which the neighbors are searched
_INFORMATION, _BALANCE = 0.2, 4.0  # weights of the mutual information, and in it of equal sizes
_WARM_UP = 300  # steps in which the weight of the loss without labels rises, where there are labels
_TINY = 1e-8


def refine(
    log_probabilities: Callable[[tf.Tensor], tf.Tensor],
    variables: list[keras.Variable],
    x: np.ndarray,
    *,
    epochs: int,
    augmentation: str | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    verbose: bool = False,
) -> None:
    """Trains a classifier without labels, starting from clusters that it knows, or with a few labels:

        loss = invariance + 0.2 * (mean_x H(q(k|x)) - 4 H(mean_x q(k|x)))
        invariance = mean_x KL(q(k|x) || q(k|x + r)) + mean_x KL(q(k|x) || q(k|t(x)))

    The change r is adversarial: of all small changes, approximately the one that changes q(k|x) most. Its length is a
    quarter of the distance from x to its tenth nearest neighbor. t(x) is a randomly augmented copy, if there is an
    augmentation. Gradients do not pass through the first argument of the divergences. The difference of entropies H is
    the negative mutual information of example and cluster, with the weight 4 for clusters of equal size.

    Clusters of neighboring codes have borders that are nearly right. Small changes rarely carry an example from one
    class to another, so the borders move to where the classes meet. Two classes that the clusters have mixed stay
    mixed.

    With `labels`, the classifier starts from nothing. The loss of known labels, mean -log q(label | t(x)), is added,
    and the weight of the loss above rises to 1 over the first 300 steps.

    Args:
        log_probabilities: function from x [B, *event] to log q(k|x), [B, K].
        variables: the weights of this function, which are trained.
        x: examples [N, *event], N >= 2.
        epochs: number of epochs.
        augmentation: `"affine"` for images [H, W, C], or `None`.
        labels: integers [N]: a class 0 ... K - 1, or a negative number where it is not known; `None` for no labels.
        seed: integer seed of the order of the examples and of their changes.
        verbose: whether to show a progress bar.

    References:
        Hu et al. 2017, "Learning discrete representations via information maximizing self-augmented training",
        arXiv:1702.08720, equations 3, 6 and 14; Miyato et al. 2018, arXiv:1704.03976, section 3.3, for r.
    """
    x = np.asarray(x, np.float32)
    known = np.flatnonzero(np.asarray(labels) >= 0) if labels is not None else np.zeros(0, int)

    def loss(number, x, radius, *labeled):
        seeds = [step_seed(seed, 2 * number + i) for i in range(2)]
        copies = [adversarial(log_probabilities, x, radius, seeds[0])]
        if augmentation is not None:
            copies.append(affine(x, seeds[1]))
        logs = tf.split(log_probabilities(tf.concat([x, *copies], axis=0)), 1 + len(copies))
        value = tf.reduce_mean(loss_of(logs[0], logs[1:]))
        if labeled:
            value = tf.minimum(tf.cast(number, tf.float32) / _WARM_UP, 1.0) * value + supervised(*labeled, number)
        return value

    def supervised(x, labels, number):
        x = x if augmentation is None else affine(x, step_seed(seed + 1, number))
        return -tf.reduce_mean(tf.gather(log_probabilities(x), labels, batch_dims=1))

    def draw(rng):
        chosen = rng.choice(known, min(len(known), _BATCH), replace=False)
        return x[chosen], np.asarray(labels)[chosen].astype(np.int32)

    train_network(
        loss,
        variables,
        (x, radii(x, seed)),
        epochs=epochs,
        batch_size=_BATCH,
        learning_rate=_LEARNING_RATE,
        decay=True,
        draw=draw if len(known) else None,
        seed=(seed, 2),
        verbose=verbose,
    )


def loss_of(original: tf.Tensor, copies: list[tf.Tensor]) -> tf.Tensor:
    """Returns the loss of a batch, a scalar, from log q(k|x) [B, K] of the examples and of their changed copies."""
    fixed = tf.stop_gradient(original)
    invariance = tf.add_n([tf.reduce_mean(_divergence(fixed, copy)) for copy in copies])
    p = tf.exp(original)
    mean = tf.reduce_mean(p, axis=0)
    within = -tf.reduce_mean(tf.reduce_sum(p * original, axis=-1))
    total = -tf.reduce_sum(mean * tf.math.log(mean + _TINY))
    return invariance + _INFORMATION * (within - _BALANCE * total)


def adversarial(
    log_probabilities: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor, radius: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Returns x + r: the change of length `radius` [B] that changes q(k|x) most, by one step of the power method."""
    size = [-1, *[1] * (len(x.shape) - 1)]
    radius = tf.reshape(radius, size)
    change = radius * _unit(stateless_normal(tf.shape(x), seed))
    fixed = tf.stop_gradient(log_probabilities(x))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(change)
        divergence = _divergence(fixed, log_probabilities(x + change))
    return x + radius * tf.stop_gradient(_unit(tape.gradient(divergence, change)))


def radii(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Returns a quarter of the distance of each example to its tenth nearest neighbor, float32 [N].

    The tenth nearest of all examples is about as near as the nearest of a tenth of them: of more than 6,000 examples,
    only 6,000 are searched.

    Args:
        x: examples [N, *event].
        seed: integer seed of the searched examples.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    flat, num = x.reshape(len(x), -1), len(x)
    searched = np.arange(num) if num <= _SEARCHED else np.random.default_rng(seed).choice(num, _SEARCHED, replace=False)
    count = min(max(round(_NEIGHBORS * len(searched) / num), 1), len(searched) - 1)
    distances, _ = NearestNeighbors(n_neighbors=count + 1).fit(flat[searched]).kneighbors(flat)
    number = np.full(num, count - 1)
    number[searched] = count  # the nearest of a searched example is the example
    return (_SHARE * distances[np.arange(num), number]).astype(np.float32)


def _divergence(log_p, log_q):
    """KL(p || q) of each row."""
    return tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), axis=-1)


def _unit(values):
    """Values [B, *event] divided by the norm of each row."""
    axes = list(range(1, len(values.shape)))
    return values / (tf.sqrt(tf.reduce_sum(values**2, axis=axes, keepdims=True)) + 1e-12)
