import keras


class Objective(keras.layers.Layer):
    """Base of the objectives. It is a layer, so that an objective may hold weights of its own.

    Class attributes:
        terms: names of what `__call__` gives beside `"loss"`, shown as metrics.
        needs_prior: whether the model must have a prior.
    """

    terms = ()
    needs_prior = True

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0):
        """The terms of each example.

        Args:
            x: tensor [B, *event].
            posterior: q(z|x), a `tfd.Distribution` with batch shape [B].
            prior: p(z), a `tfd.Distribution`, or `None`.
            likelihood: function of z [K, B, D] to p(x|z), a `tfd.Distribution` with batch shape [K, B].
            seed: int32 tensor [2], the stateless seed of this step.
            step: int tensor [], how many steps were trained before, for weights that follow a schedule.

        Returns:
            Dictionary of float32 tensors [B], in nats: `"loss"` and the names in `terms`.
        """
        raise NotImplementedError
