import keras
import tensorflow as tf

from keras_ae.latents.spaces import AnySpace, Formula, Space
from keras_ae.parts import Part
from keras_ae.schedules import duration
from keras_ae.step_context import StepContext


class Objective(Part):
    """Base of the objectives: q(z|x), p(z) and p(x|z) to the terms of each example, in nats, the loss among them.

    An objective is a layer, so that it may hold weights. A subclass gives `call` and `terms`, and what follows where it
    differs from the default:

        build               weights, for a list of the shapes of examples and of codes
        bind                access to the decoder
        count               the number of examples that `fit` gets
        check_parts         which posterior and prior it takes; `space` and `formulas` say most of it
        check_together      which of its own arguments go together
        terms_with          `terms`, where they depend on the prior
        get_config          its arguments

    One with a discriminator is an `AdversarialObjective`.

    Class attributes:
        terms: names of the terms that `call` gives beside `"loss"`, shown as metrics.
        needs_prior: whether the model must have a prior.
        trains_prior: whether a prior with weights learns from the loss; `needs_prior` unless given.
        needs_density: whether the posterior must have a density, which a point has not.
        scheduled: names of the attributes that are numbers or follow a schedule.
        counted_examples: how many examples `fit` got, where the objective has counted them.
        space: the `Space` that codes must be in.
        formulas: the `Formula`s that the posterior must have.

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
        """Makes the weights, where there are any, for a list of the shapes of examples and of codes."""

    def bind(self, decoder_kernels):
        """Gives the decoder to an objective that holds its weights small, when the model is built.

        Args:
            decoder_kernels: function that returns the decoder's weights with at least two axes, as float32 tensors.
        """

    def call(self, x, posterior, prior, likelihood, step_context: StepContext) -> dict[str, tf.Tensor]:
        """Returns the terms of each example.

        A model calls this method, not the layer. As the outermost layer of Keras, the objective would keep what layers
        of encoder and decoder add to the loss (activity regularizers) from one step to the next, and read weights in
        half precision under a mixed policy.

        Args:
            x: tensor [B, *event].
            posterior: function from x to q(z|x), a `tfd.Distribution` with batch shape [B]; an `Inference`.
            prior: p(z), a `tfd.Distribution`, or `None`.
            likelihood: function from z [K, B, D] to p(x|z), a `tfd.Distribution` with batch shape [K, B].
            step_context: seed, number, weights, mode and copies of this step.

        Returns:
            Dictionary of float32 tensors [B], in nats: `"loss"` and the names in `terms`.
        """
        raise NotImplementedError

    def compute_output_shape(self, *shapes, **more):
        """Returns the shape of the loss, one number per example."""
        return (None,)

    @property
    def trains_prior(self):
        return self.needs_prior

    def count(self, num_examples):
        """Stores the number of examples of `fit`, for objectives that need it.

        Args:
            num_examples: function that counts them; it returns `None` if the number is unknown.
        """

    def terms_with(self, prior):
        """Returns `terms` for a model with a given `Prior`, or `None`."""
        return self.terms

    def check_parts(self, posterior, prior):
        """Raises a `ValueError` if a posterior and a prior do not suit this objective.

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
        """Number of steps after which all schedules of the loss are constant; `None` if one has no end."""
        durations = [duration(getattr(self, name)) for name in self.scheduled]
        return None if None in durations else max(durations, default=0)

    @classmethod
    def from_config(cls, config):
        if "rate" in config:  # the name of `kl` in the first files
            config = {("kl" if name == "rate" else name): value for name, value in config.items()}
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})
