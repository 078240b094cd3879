import keras

from keras_ae.latents.spaces import AnySpace, Formula, Space
from keras_ae.parts import Part
from keras_ae.schedules import duration


class Objective(Part):
    """Base of the objectives. It is a layer, so that an objective may hold weights of its own.

    Class attributes:
        terms: names of what `__call__` gives beside `"loss"`, shown as metrics.
        needs_prior: whether the model must have a prior.
        trains_prior: whether a prior with weights learns from the loss: as `needs_prior`, unless it is said.
        needs_density: whether the posterior must have a density, which a point has not.
        adversarial: whether there is a `discriminator`, which a second optimizer trains against the model: then
            `"discriminator"` is among the terms, and is the loss of the discriminator, in nats; its gradient reaches
            the discriminator alone, and that of `"loss"` all but the discriminator. `__call__` is told `training` too.
        compares_examples: whether examples of a batch are set against each other: then `__call__` is told `copies` too,
            how many rows each example has. Rows i and j are of the same one where i - j is a multiple of B / copies.
        scheduled: names of the attributes that are numbers or follow a schedule.
        counted_examples: how many examples `fit` was given, where the objective has counted them.
        space: what codes must be.
        formulas: the `Formula`s that the posterior must have.
    """

    terms = ()
    needs_prior = True
    needs_density = True
    adversarial = False
    compares_examples = False
    scheduled = ()
    counted_examples = None
    space: Space = AnySpace()
    formulas: frozenset[Formula] = frozenset()

    def build(self, input_shape):
        """Makes the weights, where there are any, for a list of the shapes of examples and of codes."""

    def bind(self, decoder_kernels):
        """Lends the decoder to an objective that holds its weights small, when the model is built.

        Args:
            decoder_kernels: function that gives the weights of the decoder with two axes or more, as float32 tensors.
        """

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0, weight=None):
        """The terms of each example.

        Args:
            x: tensor [B, *event].
            posterior: function of x to q(z|x), a `tfd.Distribution` with batch shape [B]; an `Inference`.
            prior: p(z), a `tfd.Distribution`, or `None`.
            likelihood: function of z [K, B, D] to p(x|z), a `tfd.Distribution` with batch shape [K, B].
            seed: int32 tensor [2], the stateless seed of this step.
            step: int tensor [], how many steps were trained before, for weights that follow a schedule.
            weight: tensor [B], how much each example counts in what is measured of the batch as a whole; 0 for rows
                that fill a smaller batch. `None` for all alike.

        Returns:
            Dictionary of float32 tensors [B], in nats: `"loss"` and the names in `terms`.
        """
        raise NotImplementedError

    def compute_output_shape(self, *shapes, **more):
        """The shape of the loss, one number an example."""
        return (None,)

    @property
    def trains_prior(self):
        return self.needs_prior

    def count(self, num_examples):
        """Learns from a function how many examples `fit` is given, where that is needed.

        Args:
            num_examples: function that counts them; it gives `None` where that is not known.
        """

    def terms_with(self, prior):
        """`terms`, for a model with that `Prior`, or `None`."""
        return self.terms

    def check_parts(self, posterior, prior):
        """Raises a `ValueError` where a posterior and a prior are not ones that this objective can take.

        Args:
            posterior: the `Posterior`.
            prior: the `Prior`, or `None`.
        """
        missing = [formula.value for formula in Formula if formula in self.formulas - posterior.formulas]
        if missing:
            raise ValueError(
                f"`objective` {type(self).__name__} needs a posterior {' and '.join(missing)}. "
                f"Received: posterior={type(posterior).__name__}"
            )

    @property
    def warm_up(self):
        """After how many steps the loss changes no more by its schedules; `None` where one of them does not end."""
        durations = [duration(getattr(self, name)) for name in self.scheduled]
        return None if None in durations else max(durations, default=0)

    @classmethod
    def from_config(cls, config):
        if "rate" in config:  # the name of `kl` in the first files
            config = {("kl" if name == "rate" else name): value for name, value in config.items()}
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})
