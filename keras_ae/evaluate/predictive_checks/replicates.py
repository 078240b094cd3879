from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.validation.arguments import MAX_ROWS, check_size


def predictive_replicates(
    model: keras.Model, x: Any, condition: Any = None, *, num: int = 20, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yields data sets drawn from the posterior predictive distribution at given examples.

        z_i ~ q(z|x_i),  x_rep_i ~ p(x|z_i)

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model.
        num: number of data sets.
        seed: integer; the same seed gives the same data sets.

    Yields:
        float32 arrays [N, *event].

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2, likelihood="poisson")
        >>> x = np.random.default_rng(0).poisson(3.0, size=[8, 5])
        >>> model.build((None, 5))
        >>> [each.shape for each in predictive_replicates(model, x, num=2)]
        [(8, 5), (8, 5)]
    """
    num = check_size("num", num, high=MAX_ROWS)
    q = model.posterior(x, condition)
    for replicate in range(num):
        seeds = tf.random.split(tf.constant([seed, replicate], tf.int32), 2)
        z = q.sample(seed=seeds[0])
        yield model.likelihood(z, condition).sample(seed=seeds[1]).numpy()
