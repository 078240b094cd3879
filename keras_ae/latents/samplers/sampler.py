import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.code_distribution import CodeDistribution


class Sampler(CodeDistribution):
    """Base class of samplers: densities fitted to the codes of a trained model, used by `sample` in place of a prior.

    A subclass defines `fit_to`, `build`, `distribution` and `sample`. The weights are not trainable with the model. A
    sampler is fitted once, to one model.

    Class attributes:
        learned: attributes that fitting sets, `None` before. They are in the config, because sizes of weights depend on
            them.
        marker: the weight that is NaN until the sampler is fitted or loaded.

    Attributes:
        num_codes: number of codes that it was fitted to.
    """

    learned = ("num_codes",)
    marker = "loc"

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "trainable": False})
        for name in self.learned:
            setattr(self, name, None)

    @property
    def trainable(self):
        """Always false: a sampler is fitted, not trained with the model."""
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.layers.Layer.trainable.fset(self, False)

    def fit_to(self, posterior, params, context, *, seed, verbose):
        """Fits the density to the codes of examples.

        Args:
            posterior: the layer of q(z|x).
            params: parameters of q(z|x) for the examples [N, P].
            context: features of their condition [N, F], or `None`.
            seed: integer seed of all random draws.
            verbose: whether to show a progress bar.
        """
        raise NotImplementedError

    @property
    def fitted(self):
        return self.num_codes is not None

    def check_unfitted(self):
        """Raises a `ValueError` if the sampler is already fitted."""
        if self.fitted:
            raise ValueError(f"This {type(self).__name__} is already fitted: fit a new one.")

    def check_fitted(self):
        """Raises a `ValueError` if the sampler is not fitted."""
        usable = self.fitted and self.built
        if not usable or (tf.executing_eagerly() and np.isnan(getattr(self, self.marker).numpy()).any()):
            raise ValueError(f"This {type(self).__name__} is not fitted: call model.fit_sampler(sampler, x).")

    def fewest(self, latent_dim):
        """Returns the minimum number of codes."""
        return latent_dim + 1

    def check_number(self, num, latent_dim):
        """Raises a `ValueError` for too few codes."""
        if num < self.fewest(latent_dim):
            raise ValueError(
                f"`codes` must have at least {self.fewest(latent_dim)} rows for dimension {latent_dim}. Received: {num}"
            )

    def fixed_weight(self, name, shape, initializer="zeros"):
        """Adds a float32 weight that is fitted, not trained; the `marker` starts as NaN."""
        if name == self.marker:  # unfitted weights must not pass for a density
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
        """Returns an unfitted sampler with the same arguments."""
        return type(self).from_config({**self.get_config(), **dict.fromkeys(self.learned)})
