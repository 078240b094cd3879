from collections.abc import Callable

import tensorflow as tf

from keras_ae.distribution import tfd


class Inference:
    """q(z|x) as a function of x, as objectives receive it.

    Args:
        params: function from x [B, *event] to the parameters of q(z|x).
        distribution: function from these parameters to a `tfd.Distribution` with batch shape [B].

    Example:
        >>> import tensorflow as tf
        >>> import tensorflow_probability as tfp
        >>> q = Inference(lambda x: 2.0 * x, lambda loc: tfp.distributions.Normal(loc, 1.0))
        >>> float(q(tf.constant(3.0)).mean())
        6.0
    """

    def __init__(self, params: Callable[[tf.Tensor], tf.Tensor], distribution: Callable[[tf.Tensor], tfd.Distribution]):
        self._params, self._distribution = params, distribution
        self._last = (None, None)

    def __call__(self, x: tf.Tensor) -> tfd.Distribution:
        """Returns q(z|x); a second call with the same tensor [B, *event] does not run the encoder again."""
        if self._last[0] is not x:
            self._last = (x, self._params(x))
        return self._distribution(self._last[1])
