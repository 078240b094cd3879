import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.code_distribution import CodeDistribution, Context
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.parts import as_config


class Sampler(CodeDistribution):
    """Base class of samplers: densities fitted to the codes of a trained model, used by `sample` in place of a prior.

    A subclass defines `fit_to`, `build`, `distribution` and `sample`. The weights are not trained with the model. A
    sampler is fitted once, to one model.

    Class attributes:
        learned: attributes that fitting sets, `None` before. They are in the config, because sizes of weights depend on
            them.

    Attributes:
        num_codes: number of codes that it was fitted to.
    """

    learned: tuple[str, ...] = ("num_codes",)

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "trainable": False})
        for name in self.learned:
            setattr(self, name, None)
        self._fitted_weights = []

    @property
    def trainable(self) -> bool:
        """Always false: a sampler is fitted, not trained with the model."""
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.layers.Layer.trainable.fset(self, False)

    def fit_to(self, posterior: Posterior, params: tf.Tensor, context: Context, *, seed: int, verbose: bool) -> None:
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
    def fitted(self) -> bool:
        return self.num_codes is not None

    def _check_unfitted(self):
        """Raises a `ValueError` if the sampler is already fitted."""
        if self.fitted:
            raise ValueError(f"This {type(self).__name__} is already fitted: fit a new one.")

    def _check_fitted(self):
        """Raises a `ValueError` if the sampler is not fitted."""
        usable = self.fitted and self.built
        if not usable or (tf.executing_eagerly() and np.isnan(self._fitted_weights[0].numpy()).any()):
            raise ValueError(f"This {type(self).__name__} is not fitted: call model.fit_sampler(sampler, x).")

    def _fewest(self, latent_dim: int) -> int:
        """Returns the minimum number of codes."""
        return latent_dim + 1

    def _check_number(self, num, latent_dim):
        """Raises a `ValueError` for too few codes."""
        if num < self._fewest(latent_dim):
            fewest = self._fewest(latent_dim)
            raise ValueError(f"`codes` must have at least {fewest} rows for dimension {latent_dim}. Received: {num}")

    def _fixed_weight(self, name, shape):
        """Adds a float32 weight that is fitted, not trained. It is NaN until the sampler is fitted or loaded."""
        nan = keras.initializers.Constant(float("nan"))  # unfitted weights must not pass for a density
        options = {"trainable": False, "dtype": "float32", "autocast": False}
        self._fitted_weights.append(self.add_weight(name=name, shape=shape, initializer=nan, **options))
        return self._fitted_weights[-1]

    def get_config(self) -> dict:
        return {**super().get_config(), **{name: as_config(getattr(self, name)) for name in self.learned}}

    @classmethod
    def from_config(cls, config):
        sampler = super().from_config({name: value for name, value in config.items() if name not in cls.learned})
        for name in cls.learned:
            setattr(sampler, name, config.get(name))  # a file of an older version may lack one
        return sampler

    def unfitted(self) -> "Sampler":
        """Returns an unfitted sampler with the same arguments."""
        return type(self).from_config({**self.get_config(), **dict.fromkeys(self.learned)})
