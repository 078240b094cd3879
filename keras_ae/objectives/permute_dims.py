import tensorflow as tf

from keras_ae import random


def permute_dims(z, seed, weight=None):
    """Shuffles every dimension of a batch of codes by itself: the marginals stay, and the dependence goes.

    Rows of weight 0 give nothing to other rows. Rows of equal weights are permuted; a row of another weight gives its
    values to as many rows as are its share, rounded up or down (systematic resampling).

    Args:
        z: tensor [B, D].
        seed: int32 tensor [2].
        weight: tensor [B] of numbers >= 0, or `None` for all alike.

    Returns:
        Tensor [B, D]. What is in rows of weight 0 means nothing.

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
    # As far from each other, in a circle, and each dimension from a start of its own: a row is at no place of its own.
    points = number - 1.0 + noise[:, :1] * number[-1]
    points -= number[-1] * tf.cast(points > number[-1], tf.float32)  # in (0, N]
    points *= tf.math.divide_no_nan(shares[:, -1:], number[-1])
    places = tf.searchsorted(shares, points)
    givers = tf.gather(order, tf.minimum(places, size - 1), batch_dims=1)  # [D, B]
    return tf.transpose(tf.gather(tf.transpose(z), givers, batch_dims=1))
