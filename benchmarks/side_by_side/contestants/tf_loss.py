"""The loss of the task in plain TensorFlow, for stock Keras and for the custom loop."""

import math

import tensorflow as tf


def noise_shape(task):
    samples = [task.num_samples] if task.num_samples > 1 else []
    return [*samples, task.batch_size, task.latent_dim]


def loss(task, x, params, decode, noise):
    """Returns the mean loss of a batch.

    Args:
        task: the `Task`.
        x: [B, 784].
        params: output of the encoder, [B, 2 * D].
        decode: function from codes [M, D] to logits [M, 784].
        noise: standard normal numbers with shape `noise_shape(task)`.
    """
    loc, raw_scale = tf.split(params, 2, axis=-1)
    scale = tf.nn.softplus(raw_scale) + 1e-5
    z = loc + scale * noise  # [B, D] or [K, B, D]
    logits = tf.reshape(decode(tf.reshape(z, [-1, task.latent_dim])), [*z.shape[:-1], x.shape[-1]])
    labels = tf.broadcast_to(x, logits.shape)
    reconstruction = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), axis=-1)
    if task.num_samples == 1:
        kl = 0.5 * tf.reduce_sum(scale**2 + loc**2 - 1.0 - 2.0 * tf.math.log(scale), axis=-1)
        return tf.reduce_mean(reconstruction + kl)
    kl = tf.reduce_sum(0.5 * (z**2 - noise**2) - tf.math.log(scale), axis=-1)  # log q - log p, [K, B]
    bound = tf.reduce_logsumexp(-reconstruction - kl, axis=0) - math.log(task.num_samples)
    return -tf.reduce_mean(bound)
