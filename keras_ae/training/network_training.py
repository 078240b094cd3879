"""Training of a network alone, on arrays in memory."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf


def train_network(
    loss: Callable[..., tf.Tensor],
    variables: Sequence[keras.Variable],
    arrays: Sequence[np.ndarray],
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 0.001,
    decay: bool = False,
    draw: Callable[[np.random.Generator], Sequence[np.ndarray]] | None = None,
    seed: int | Sequence[int] = 0,
    verbose: bool = False,
) -> None:
    """Minimizes a loss with Adam, in batches of a new order in each epoch; the last, smaller batch is left out.

    Call it in the scope of the model's strategy of tf.distribute, if it has one. Every replica has all rows.

    Args:
        loss: function of the number of the step, an int32 tensor, of a tensor [B, ...] for each array, and of what
            `draw` returns, to a scalar.
        variables: the weights that are trained, which may be frozen for `fit`.
        arrays: arrays [N, ...].
        epochs: number of epochs.
        batch_size: examples per step; all of them where there are fewer.
        learning_rate: the rate of Adam.
        decay: whether the rate falls to 0 by the half of a cosine.
        draw: function of the random generator of the order to further arrays for one step.
        seed: integer seed of the order, or several integers.
        verbose: whether to show a progress bar.
    """
    num, strategy = len(arrays[0]), tf.distribute.get_strategy()
    size = min(num, batch_size)
    steps = epochs * (num // size)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps) if decay else learning_rate
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(variables)

    def update(number, *batch):
        weights = [variable.value for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value = loss(number, *batch)
        gradients = tape.gradient(value, weights)
        # The optimizer sums over the replicas.
        optimizer.apply([each / strategy.num_replicas_in_sync for each in gradients], variables)

    @tf.function
    def step(number, *batch):
        strategy.run(update, args=(number, *batch))

    rng, bar = np.random.default_rng(seed), keras.utils.Progbar(steps, verbose=int(verbose), unit_name="step")
    number = 0
    for _ in range(epochs):
        rows = rng.permutation(num)
        for start in range(0, num - size + 1, size):
            chosen = rows[start : start + size]
            batch = [*(array[chosen] for array in arrays), *(draw(rng) if draw else ())]
            step(tf.constant(number), *map(tf.constant, batch))
            number += 1
            bar.update(number)
