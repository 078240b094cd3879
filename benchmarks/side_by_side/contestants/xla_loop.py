"""A custom loop for this task: an epoch is one XLA program with weights, moments and data as tensors.

Inside a loop, XLA runs convolutions on one thread, two hundred times slower than outside. So with convolutions, a step
is one program in a Python loop.
"""

import math

import numpy as np
import tensorflow as tf

from side_by_side.contestants.tf_loss import loss, noise_shape
from side_by_side.referee import contestant
from side_by_side.task import PIXELS, SIDE


def shapes(task):
    """Returns the shapes of the kernels of encoder and decoder; each has a bias."""
    encoder, decoder = [PIXELS, *task.hidden, 2 * task.latent_dim], [task.latent_dim, *task.hidden, PIXELS]
    if task.network == "mlp":
        return [[widths[i : i + 2] for i in range(len(widths) - 1)] for widths in (encoder, decoder)]
    first, second = task.hidden
    features = (SIDE // 4) ** 2 * second
    encoder = [[3, 3, 1, first], [3, 3, first, second], [features, 2 * task.latent_dim]]
    decoder = [[task.latent_dim, features], [3, 3, second, second], [3, 3, first, second], [first, 1]]
    return [encoder, decoder]


def initial(kernels, rng, transposed):
    """Returns Glorot uniform kernels and biases of 0, as a flat list kernel, bias, kernel, bias ..."""
    weights = []
    for shape in kernels:
        area = math.prod(shape[:-2])
        limit = math.sqrt(6 / (area * (shape[-2] + shape[-1])))
        bias = shape[-2] if transposed and len(shape) == 4 else shape[-1]
        weights += [rng.uniform(-limit, limit, shape).astype(np.float32), np.zeros(bias, np.float32)]
    return [tf.constant(w) for w in weights]


def pairs(weights):
    return list(zip(weights[::2], weights[1::2], strict=True))


def dense(x, weights):
    *hidden, (kernel, bias) = pairs(weights)
    for layer in hidden:
        x = tf.nn.relu(x @ layer[0] + layer[1])
    return x @ kernel + bias


def conv_encoder(x, weights):
    *hidden, (kernel, bias) = pairs(weights)
    x = tf.reshape(x, [-1, SIDE, SIDE, 1])
    for layer in hidden:
        x = tf.nn.relu(tf.nn.conv2d(x, layer[0], 2, "SAME") + layer[1])
    return tf.reshape(x, [-1, kernel.shape[0]]) @ kernel + bias


def conv_decoder(z, weights):
    (kernel, bias), *up, last = pairs(weights)
    side = SIDE // 4
    x = tf.reshape(tf.nn.relu(z @ kernel + bias), [-1, side, side, up[0][0].shape[-1]])
    for layer in up:
        side *= 2
        x = tf.nn.conv2d_transpose(x, layer[0], [tf.shape(z)[0], side, side, layer[0].shape[-2]], 2, "SAME")
        x = tf.nn.relu(x + layer[1])
    return tf.reshape(tf.reshape(x, [-1, last[0].shape[0]]) @ last[0] + last[1], [-1, PIXELS])


def adam(weights, gradients, first, second, step, rate):
    step = tf.cast(step + 1, tf.float32)
    rate = rate * tf.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    first = [m + (g - m) * 0.1 for m, g in zip(first, gradients, strict=True)]
    second = [v + (g * g - v) * 0.001 for v, g in zip(second, gradients, strict=True)]
    new = [w - rate * m / (tf.sqrt(v) + 1e-7) for w, m, v in zip(weights, first, second, strict=True)]
    return new, first, second


def make_step(task, split):
    """Returns a function of indices [B], the number of the step, the state and the data to loss and new state."""
    encode, decode = (conv_encoder, conv_decoder) if task.network == "conv" else (dense, dense)

    def step(indices, number, weights, first, second, x):
        batch = tf.ensure_shape(tf.gather(x, indices), [task.batch_size, PIXELS])
        noise = tf.random.stateless_normal(noise_shape(task), tf.stack([7, number]))
        with tf.GradientTape() as tape:
            tape.watch(weights)
            params = encode(batch, weights[:split])
            value = loss(task, batch, params, lambda z: decode(z, weights[split:]), noise)
        gradients = tape.gradient(value, weights)
        return value, *adam(weights, gradients, first, second, number, task.learning_rate)

    return step


def one_program(step):
    """Returns an epoch as one XLA program."""

    @tf.function(jit_compile=True, autograph=False)
    def epoch(order, done, state, x):
        def body(i, total, state):
            value, *state = step(order[i], done + i, *state, x)
            return i + 1, total + value, state

        start = (tf.constant(0), tf.constant(0.0), state)
        _, total, state = tf.while_loop(lambda i, *_: i < order.shape[0], body, start)
        return total / order.shape[0], state

    return epoch


def a_program_a_step(step):
    """Returns an epoch with one XLA program per step."""
    step = tf.function(step, jit_compile=True, autograph=False)

    def epoch(order, done, state, x):
        total = 0.0
        for i, indices in enumerate(tf.unstack(order)):
            value, *state = step(indices, done + i, *state, x)
            total += value
        return total / len(order), state

    return epoch


def run(task, x, referee, options):
    referee.starts()
    rng = np.random.default_rng(0)
    encoder, decoder = (initial(s, rng, transposed) for s, transposed in zip(shapes(task), (False, True), strict=True))
    weights = encoder + decoder
    state = [weights, *([tf.zeros_like(w) for w in weights] for _ in range(2))]
    make = a_program_a_step if task.network == "conv" else one_program
    epoch = make(make_step(task, len(encoder)))
    x = tf.constant(x)
    steps, done = task.num_examples // task.batch_size, 0
    while True:
        order = tf.constant(rng.permutation(task.num_examples).reshape(steps, -1).astype(np.int32))
        mean, state = epoch(order, tf.constant(done), state, x)
        done += steps
        referee.epoch_ended(mean)


if __name__ == "__main__":
    contestant(run)
