import keras

from keras_ae.latents.posterior import REAL


class Prior(keras.layers.Layer):
    """Base of the priors: a layer that holds weights and gives p(z).

    `build((D,))` makes the weights; `distribution` makes a `tfd.Distribution` from them each time it is asked for, so
    that gradients reach them; `sample` draws from the portable generator, with operations that every backend has.

    Class attributes:
        space: what codes are, in words, as in `Posterior`.
    """

    space = REAL

    def check_latent_dim(self, latent_dim):
        """Raises a `ValueError` where there is no such distribution over codes of dimension `latent_dim`."""

    def distribution(self, context=None):
        """p(z), or p(z|c) for the features of a condition [B, F]: event shape [D], batch shape [] or [B]."""
        raise NotImplementedError

    def sample(self, seeds, rows, context=None):
        """Codes [B, D] that depend on nothing but the int32 seeds [B] and rows [B] (and the context)."""
        raise NotImplementedError
