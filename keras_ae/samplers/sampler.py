import keras
import numpy as np
import tensorflow as tf

from keras_ae.checks import check_array
from keras_ae.latents import Prior
from keras_ae.latents.pushforward import Pushforward
from keras_ae.random import check_seed

_RIDGE = 1e-6  # of the variance of each value: one that follows from others would make the covariance singular


class Sampler(Prior):
    """Base of the samplers: densities that are fitted to the codes of a trained model, so that any model generates.

    Codes are whitened by their own mean and covariance, and the density is one of the whitened codes w, so that no
    sampler depends on the units of the codes, nor on correlations between them:

        z = loc + L w,  log p(z) = log p(w) - log det L,  L L' = covariance of the codes

    A subclass gives `fit_whitened`, `whitened` and `sample_whitened`. Nothing of a sampler is trained with the model:
    its weights are not trainable. One sampler serves one model: `fit` works once.

    Attributes:
        num_codes: how many codes it was fitted to, `None` before. It is in the config, because sizes may follow it.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.num_codes = None

    def fit(self, codes, *, seed=0, verbose=True):
        """Fits the density to codes.

        Args:
            codes: array [N, D].
            seed: integer; what is drawn while fitting is drawn from it.
            verbose: whether a fit by gradients shows its progress.

        Raises:
            ValueError: for too few codes, codes that are not finite or not [N, D], and a sampler that was fitted.
        """
        if self.num_codes is not None:
            raise ValueError(f"This {type(self).__name__} was fitted already: fit a new one.")
        seed = check_seed(seed)
        codes = np.asarray(check_array(codes, "codes"), np.float64)
        if codes.ndim != 2:
            raise ValueError(f"`codes` must have shape [N, D]. Received: {list(codes.shape)}")
        num, dim = codes.shape
        self.check_latent_dim(dim)
        if num < self.fewest(dim):
            raise ValueError(f"`codes` must be at least {self.fewest(dim)} of dimension {dim}. Received: {num}")
        loc, scale_tril = _moments(codes)
        self.num_codes = num
        self.build((dim,))
        white = np.linalg.solve(scale_tril, (codes - loc).T).T
        self.fit_whitened(white.astype(np.float32), seed=seed, verbose=verbose)
        self.loc.assign(loc)
        self.scale_tril.assign(scale_tril)

    def fewest(self, latent_dim):
        """How many codes it takes."""
        return latent_dim + 1

    def fit_whitened(self, codes, *, seed, verbose):
        """Fits the density of whitened codes [N, D], of mean 0 and covariance I."""
        raise NotImplementedError

    def whitened(self):
        """p(w), a `tfd.Distribution` with event shape [D]."""
        raise NotImplementedError

    def sample_whitened(self, seeds, rows):
        """Whitened codes [B, D], drawn as `Prior.sample` draws codes."""
        raise NotImplementedError

    @property
    def fitted(self):
        return self.num_codes is not None

    def build(self, input_shape):
        self.event_shape = tuple(input_shape)
        # NaN: weights that were neither fitted nor loaded must not pass for a density.
        self.loc = self.fixed_weight("loc", self.event_shape, keras.initializers.Constant(float("nan")))
        self.scale_tril = self.fixed_weight("scale_tril", self.event_shape * 2)

    def fixed_weight(self, name, shape, initializer="zeros"):
        """A float32 weight that is fitted, not trained."""
        options = {"trainable": False, "dtype": "float32", "autocast": False}
        return self.add_weight(name=name, shape=shape, initializer=initializer, **options)

    def distribution(self, context=None):
        self.check_fitted()
        return Pushforward(self.whitened(), self._forward, self._inverse)

    def sample(self, seeds, rows, context=None):
        self.check_fitted()
        return self._placed(self.sample_whitened(seeds, rows))

    def check_fitted(self):
        """Raises a `ValueError` where the sampler was not fitted to codes."""
        if not (self.fitted and self.built) or (tf.executing_eagerly() and np.isnan(self.loc.numpy()).any()):
            raise ValueError(
                f"This {type(self).__name__} is not fitted to codes: model.fit_sampler(sampler, x) does it."
            )

    def get_config(self):
        return {**super().get_config(), "num_codes": self.num_codes}

    @classmethod
    def from_config(cls, config):
        config = {name: keras.saving.deserialize_keras_object(value) for name, value in config.items()}
        num_codes = config.pop("num_codes")
        sampler = cls(**config)
        sampler.num_codes = num_codes
        return sampler

    def unfitted(self):
        """A sampler with the same arguments that was not fitted."""
        return type(self).from_config({**self.get_config(), "num_codes": None})

    def _placed(self, w):
        """The codes of whitened ones."""
        return tf.convert_to_tensor(self.loc) + tf.linalg.matvec(tf.convert_to_tensor(self.scale_tril), w)

    def _forward(self, w):
        return self._placed(w), self._log_det()

    def _inverse(self, z):
        factor = tf.linalg.LinearOperatorLowerTriangular(tf.convert_to_tensor(self.scale_tril))
        return factor.solvevec(z - tf.convert_to_tensor(self.loc)), self._log_det()

    def _log_det(self):
        return tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tf.convert_to_tensor(self.scale_tril))))


def _moments(codes):
    """Mean [D] of codes, and the lower Cholesky factor [D, D] of their covariance."""
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    variance = np.diag(covariance)
    if not variance.max() > 0:
        raise ValueError(f"`codes` must differ from each other. Received: {len(codes)} equal codes")
    ridge = _RIDGE * np.maximum(variance, _RIDGE * variance.max())  # a value that never changes gets some variance too
    return codes.mean(axis=0), np.linalg.cholesky(covariance + np.diag(ridge))
