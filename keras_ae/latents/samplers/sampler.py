import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.code_distribution import CodeDistribution


class Sampler(CodeDistribution):
    """Base of the samplers: densities that are fitted to the codes of a trained model, which then needs no prior.

    A subclass gives `fit_to`, `build`, `distribution` and `sample`. Nothing of a sampler is trained with the model: its
    weights are not trainable. One sampler serves one model: it is fitted once.

    Class attributes:
        learned: the attributes that fitting decides, `None` before. They are in the config, because sizes of weights
            follow them.
        marker: the weight that is NaN until it is fitted or loaded.

    Attributes:
        num_codes: how many codes it was fitted to.
    """

    learned = ("num_codes",)
    marker = "loc"

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "trainable": False})
        for name in self.learned:
            setattr(self, name, None)

    def fit_to(self, posterior, params, context, *, seed, verbose):
        """Fits the density to the codes of examples.

        Args:
            posterior: the layer that gives q(z|x).
            params: its parameters for the examples [N, P].
            context: features of their condition [N, F], or `None`.
            seed: integer; what is drawn while fitting is drawn from it.
            verbose: whether a fit by gradients shows its progress.
        """
        raise NotImplementedError

    @property
    def fitted(self):
        return self.num_codes is not None

    def check_unfitted(self):
        """Raises a `ValueError` where the sampler was fitted to codes already."""
        if self.fitted:
            raise ValueError(f"This {type(self).__name__} was fitted already: fit a new one.")

    def check_fitted(self):
        """Raises a `ValueError` where the sampler was not fitted to codes."""
        usable = self.fitted and self.built
        if not usable or (tf.executing_eagerly() and np.isnan(getattr(self, self.marker).numpy()).any()):
            raise ValueError(
                f"This {type(self).__name__} is not fitted to codes: model.fit_sampler(sampler, x) does it."
            )

    def fewest(self, latent_dim):
        """How many codes it takes."""
        return latent_dim + 1

    def check_number(self, num, latent_dim):
        """Raises a `ValueError` for too few codes."""
        if num < self.fewest(latent_dim):
            raise ValueError(
                f"`codes` must be at least {self.fewest(latent_dim)} of dimension {latent_dim}. Received: {num}"
            )

    def fixed_weight(self, name, shape, initializer="zeros"):
        """A float32 weight that is fitted, not trained; the one that is the `marker` starts as NaN."""
        if name == self.marker:  # what was neither fitted nor loaded must not pass for a density
            initializer = keras.initializers.Constant(float("nan"))
        options = {"trainable": False, "dtype": "float32", "autocast": False}
        return self.add_weight(name=name, shape=shape, initializer=initializer, **options)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.learned}}

    @classmethod
    def from_config(cls, config):
        config = {name: keras.saving.deserialize_keras_object(value) for name, value in config.items()}
        learned = {name: config.pop(name) for name in cls.learned}
        sampler = cls(**config)
        for name, value in learned.items():
            setattr(sampler, name, value)
        return sampler

    def unfitted(self):
        """A sampler with the same arguments that was not fitted."""
        return type(self).from_config({**self.get_config(), **dict.fromkeys(self.learned)})
