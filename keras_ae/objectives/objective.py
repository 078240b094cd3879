from collections.abc import Callable

import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import AnySpace, Formula, Space
from keras_ae.parts import Part
from keras_ae.schedules import duration
from keras_ae.step_context import StepContext


class Objective(Part):
    """Base class of objectives: maps q(z|x), p(z) and p(x|z) to the loss and its terms for each example, in nats.

    An objective is a layer, because it may have weights. A subclass defines `call` and `terms`, and overrides the
    following where the default does not fit:

        build               makes weights, given the shapes of examples and of codes
        bind                receives the decoder's weights
        count               receives the number of training examples
        check_parts         checks the posterior and the prior beyond `space` and `formulas`
        check_together      checks arguments that depend on each other
        terms_with          returns `terms` if they depend on the prior
        get_config          returns the arguments of a class outside of keras_ae

    An objective with a discriminator is an `AdversarialObjective`.

    Class attributes:
        terms: names of the terms that `call` returns besides `"loss"`, shown as metrics.
        needs_prior: whether the model must have a prior.
        trains_prior: whether the loss has a gradient for the prior; `needs_prior` by default.
        needs_density: whether the posterior must have a density, unlike a point mass.
        scheduled: names of the attributes that are numbers or schedules.
        counted_examples: number of training examples, if the objective needs it and `fit` has counted them.
        space: the code space that the posterior must have.
        formulas: the closed forms that the posterior must have.

    Example:
        >>> import numpy as np, keras, keras_ae as kae
        >>> @keras.saving.register_keras_serializable("mine")
        ... class SquaredCodes(kae.objectives.Objective):
        ...     terms = ("reconstruction", "square")
        ...     needs_prior = needs_density = False
        ...
        ...     def call(self, x, posterior, prior, likelihood, step_context):
        ...         z = posterior(x).sample(1, seed=step_context.seed)  # [1, B, D]
        ...         terms = {"reconstruction": -likelihood(z).log_prob(x)[0], "square": keras.ops.sum(z[0] ** 2, -1)}
        ...         return {"loss": terms["reconstruction"] + 0.1 * terms["square"], **terms}
        >>> model = kae.Autoencoder(latent_dim=2, posterior="deterministic", prior=None, objective=SquaredCodes())
        >>> model.compile()
        >>> sorted(model.fit(np.random.rand(64, 4, 4, 1), verbose=0).history)
        ['loss', 'reconstruction', 'square']
    """

    terms: tuple[str, ...] = ()
    needs_prior = True
    needs_density = True
    scheduled: tuple[str, ...] = ()
    counted_examples: int | None = None
    space: Space = AnySpace()
    formulas: frozenset[Formula] = frozenset()

    def build(self, input_shape):
        """Makes weights, if there are any, for a list of the shapes of examples and of codes."""

    def bind(self, decoder_kernels: Callable[[], list[tf.Tensor]]) -> None:
        """Passes the decoder's weights to an objective that regularizes them, when the model is built.

        Args:
            decoder_kernels: function that returns the decoder's weights with at least two axes, as float32 tensors.
        """

    def call(
        self,
        x: tf.Tensor,
        posterior: Callable[[tf.Tensor], tfd.Distribution],
        prior: tfd.Distribution | None,
        likelihood: Callable[[tf.Tensor], tfd.Distribution],
        step_context: StepContext,
    ) -> dict[str, tf.Tensor]:
        """Returns the loss and its terms for each example.

        A model calls this method, not the layer. As Keras' outermost layer, the objective would accumulate the activity
        regularizers of encoder and decoder over steps, and read weights in half precision under a mixed policy.

        Args:
            x: tensor [B, *event].
            posterior: function from x to q(z|x), a `tfd.Distribution` with batch shape [B]; an `Inference`.
            prior: p(z), a `tfd.Distribution`, or `None`.
            likelihood: function from z [K, B, D] to p(x|z), a `tfd.Distribution` with batch shape [K, B].
            step_context: seed, step, weight, training and copies.

        Returns:
            Dictionary of float32 tensors [B], in nats: `"loss"` and the names in `terms`.
        """
        raise NotImplementedError

    def compute_output_shape(self, *shapes, **more):
        """Returns the shape of the loss, one number per example."""
        return (None,)

    @property
    def trains_prior(self) -> bool:
        return self.needs_prior

    def count(self, num_examples: Callable[[], int | None]) -> None:
        """Stores the number of training examples, for objectives that need it.

        Args:
            num_examples: function that counts them, and returns `None` if the number is unknown.
        """

    def terms_with(self, prior: Prior | None) -> tuple[str, ...]:
        """Returns `terms` for a model with a given `Prior`, or `None`."""
        return self.terms

    def check_parts(self, posterior: Posterior, prior: Prior | None) -> None:
        """Raises a `ValueError` if the objective cannot be used with a posterior and a prior.

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
    def warm_up(self) -> int | None:
        """Number of steps after which all schedules are constant; `None` if one has no end."""
        durations = [duration(getattr(self, name)) for name in self.scheduled]
        return None if None in durations else max(durations, default=0)

    @classmethod
    def from_config(cls, config):
        # Files of the first versions call the argument `kl` "rate".
        return super().from_config({("kl" if name == "rate" else name): value for name, value in config.items()})
