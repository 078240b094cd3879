import keras

from keras_ae.hyperparameters import Part
from keras_ae.latents.posteriors.posterior import REAL
from keras_ae.parts import Checkpointed


class Prior(Checkpointed, Part, keras.layers.Layer):
    """Base of the priors: a layer that holds weights and gives p(z). One that is made with `trainable=False` keeps them
    as they are, whatever the model is set to later.

    `build((D,))` makes the weights; `distribution` makes a `tfd.Distribution` from them each time it is asked for, so
    that gradients reach them; `sample` draws from the portable generator, with operations that every backend has.

    Class attributes:
        space: what codes are, in words, as in `Posterior`.
        build_needs: what else `build` is given the shape of, before that of a code: `"x"`, `"context"`, the features of
            the condition, or `None` where the model has none, and `"codebooks"`, the entries of the posterior.
        needs_condition: whether the model must have a condition.
        needs_codebook: whether the posterior must be one of a codebook.
        needs_draws: whether the posterior must have `draw`, and codes with a density.
        fitted: whether there is a distribution already: a sampler has none before it was fitted to codes.
        has_layers: whether codes are in layers, each drawn from the one above it.
        is_product, family: as in `Posterior`.
        has_weights: whether it has weights, which not every objective trains.
    """

    space = REAL
    build_needs = ()
    needs_condition = False
    needs_codebook = False
    needs_draws = False
    fitted = True
    has_layers = False
    is_product = False
    family = None
    has_weights = False
    _lent = None

    def __init__(self, **kwargs):
        trainable = kwargs.get("trainable", True)
        if not isinstance(trainable, bool):
            raise ValueError(f"`trainable` must be True or False. Received: trainable={trainable!r}")
        self._kept = kwargs.pop("kept", not trainable)
        super().__init__(**kwargs)

    @property
    def learns(self):
        """Whether it has weights that are to be trained."""
        return self.has_weights and self.trainable

    @property
    def trainable(self):
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.layers.Layer.trainable.fset(self, bool(value) and not self._kept)

    def get_config(self):
        frozen = not self.trainable and not self._kept  # by an assignment, which another one may undo
        return {**super().get_config(), **({"kept": False} if frozen else {})}

    def compute_output_shape(self, *shapes, **more):
        """The shape of the codes that are drawn, whatever the weights are built for."""
        return (None, *self.event_shape)

    def covers(self, space):
        """Whether it may be over the codes of a posterior, whose `space` is `None` for any codes."""
        if self.needs_codebook:
            return space == self.space
        return None in (space, self.space) or space == self.space

    def check_latent_dim(self, latent_dim):
        """Raises a `ValueError` where there is no such distribution over codes of dimension `latent_dim`."""

    def bind(self, params, distribution, draw, codebooks):
        """Lends the encoder to a prior that is made of it, when the model is built. Functions are lent, not layers:

        Args:
            params: function of (x, context) to the parameters of q(z|x).
            distribution, draw: those of the posterior.
            codebooks: function to the entries [depth, K, code_dim] of a posterior that has a codebook, else `None`.
        """

    def check_borrower(self, params):
        """Raises a `ValueError` where `bind` lends the encoder of another model than before."""
        if self._lent not in (None, params):
            raise ValueError(f"The same {type(self).__name__} must not serve two models: give each its own.")
        self._lent = params

    def distribution(self, context=None):
        """p(z), or p(z|c) for the features of a condition [B, F]: event shape [D], batch shape [] or [B]."""
        raise NotImplementedError

    def sample(self, seeds, rows, context=None, temperature=1.0):
        """Codes [B, D] that depend on nothing but the int32 seeds [B] and rows [B] (and the context).

        Args:
            seeds: int32 tensor [B], one seed a row.
            rows: int32 tensor [B], the number of the row within its seed.
            context: features of the condition [B, F], or `None`.
            temperature: a number > 0 or a tensor []: what normal noise is multiplied by, and logits of categorical
                draws are divided by. Below 1, codes are more typical and less varied; with 1 they are those of the
                distribution, as in Kingma and Dhariwal 2018, arXiv:1807.03039.
        """
        raise NotImplementedError
