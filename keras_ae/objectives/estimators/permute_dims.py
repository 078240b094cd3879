import tensorflow as tf

from keras_ae import random


def permute_dims(z: tf.Tensor, seed: tf.Tensor, weight: tf.Tensor | None = None) -> tf.Tensor:
    """Shuffles every dimension of a batch of codes independently: keeps the marginals and removes the dependence.

    Rows of weight 0 do not contribute. Rows of equal weights are permuted; otherwise a row contributes its values in
    proportion to its weight, rounded up or down (systematic resampling).

    Args:
        z: tensor [B, D].
        seed: int32 tensor [2].
        weight: tensor [B] of numbers >= 0, or `None` for equal weights.

    Returns:
        Tensor [B, D]. Rows of weight 0 are undefined.

    Example:
        >>> z = tf.constant([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
        >>> tf.reduce_sum(permute_dims(z, [1, 2]), axis=0).numpy()
        array([ 6., 60.], dtype=float32)

    References:
        Kim and Mnih 2018, arXiv:1802.05983, algorithm 1.
    """
    size = tf.shape(z)[0]
    weight = tf.ones([size]) if weight is None else weight
    noise = 1.0 - random.stateless_uniform([z.shape[1], size + 1], seed)  # in (0, 1]
    order = tf.argsort(noise[:, 1:])  # [D, B]
    shares = tf.cumsum(tf.gather(weight, order), axis=-1)  # up to each row, in this order
    number = tf.cumsum(tf.cast(weight > 0, tf.float32))  # 1, 2 ... of the rows that count
    # Equally spaced on a circle, with a random start for each dimension, so no row keeps its position.
    points = number - 1.0 + noise[:, :1] * number[-1]
    points -= number[-1] * tf.cast(points > number[-1], tf.float32)  # in (0, N]
    points *= tf.math.divide_no_nan(shares[:, -1:], number[-1])
    places = tf.searchsorted(shares, points)
    sources = tf.gather(order, tf.minimum(places, size - 1), batch_dims=1)  # [D, B]
    return tf.transpose(tf.gather(tf.transpose(z), sources, batch_dims=1))
