import numpy as np
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.pushforward import Pushforward
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.latents.spaces import Space, UnitInterval
from keras_ae.parts import weights_from
from keras_ae.random import check_seed, step_seed
from keras_ae.validation.arguments import check_array

_EDGE = 1e-6  # margin of codes in (0, 1): float32 rounds a sigmoid to 0 and 1
_RIDGE = 1e-6  # relative to each variance: linearly dependent dimensions would make the covariance singular


class WhitenedSampler(Sampler):
    """Base class of samplers for real codes, and for codes in (0, 1), which it maps to their logits.

    Codes are whitened by their mean and covariance, and the density is fitted to the whitened codes w, so no sampler
    depends on the units of the codes or on their correlations:

        z = loc + L w,  log p(z) = log p(w) - log det L,  L L' = covariance of the codes

    For codes in (0, 1), z is the sigmoid of this, and log p(z) includes its derivative.

    A subclass defines `_fit_whitened`, `_whitened` and `_sample_whitened`.

    Attributes:
        unit: whether codes are in (0, 1).
    """

    learned = ("num_codes", "unit")

    def covers(self, space: Space) -> bool:
        return super().covers(space) or space == UnitInterval()

    def fit_to(self, posterior: Posterior, params: tf.Tensor, context: Context, *, seed: int, verbose: bool) -> None:
        self.unit = posterior.space == UnitInterval()
        codes = posterior.exact(params).sample(seed=step_seed(check_seed(seed), 0))  # as the decoder saw in training
        self.fit(codes.numpy(), None if context is None else np.asarray(context), seed=seed, verbose=verbose)

    def fit(self, codes: np.ndarray, context: np.ndarray | None = None, *, seed: int = 0, verbose: bool = True) -> None:
        """Fits the density to codes.

        Args:
            codes: array [N, D].
            context: features of the condition of each code [N, F], `model.condition(values)`, or `None`. Only a
                `GaussianMixtureSampler` uses it.
            seed: integer seed of all random draws.
            verbose: whether to show a progress bar.

        Raises:
            ValueError: for too few codes, for codes that are not finite or not [N, D], and for a sampler that is
                already fitted.
        """
        self._check_unfitted()
        seed = check_seed(seed)
        codes = np.asarray(check_array(codes, "codes"), np.float64)
        if codes.ndim != 2:
            raise ValueError(f"`codes` must have shape [N, D]. Received: {list(codes.shape)}")
        if self.unit:
            codes = np.clip(codes, _EDGE, 1 - _EDGE)
            codes = np.log(codes) - np.log1p(-codes)
        num, dim = codes.shape
        self.check_latent_dim(dim)
        self._check_number(num, dim)
        loc, scale_tril = _moments(codes)
        self.num_codes = num
        self._choose_sizes(dim, context)
        white = np.linalg.solve(scale_tril, (codes - loc).T).T
        with weights_from(seed, "sampler", self):
            self.build((None, dim))
            self._fit_whitened(white.astype(np.float32), context, seed=seed, verbose=verbose)
        self.loc.assign(loc)
        self.scale_tril.assign(scale_tril)

    def _choose_sizes(self, latent_dim: int, context: np.ndarray | None) -> None:
        """Sets the attributes that the sizes of the weights depend on, before `build`."""

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        """Fits the density to whitened codes [N, D], with mean 0 and covariance I, and their context [N, F]."""
        raise NotImplementedError

    def _whitened(self, context: Context) -> tfd.Distribution:
        """Returns p(w) or p(w|c), a `tfd.Distribution` with event shape [D] and batch shape [] or [B]."""
        raise NotImplementedError

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        """Draws whitened codes [B, D], as `sample` draws codes."""
        raise NotImplementedError

    def build(self, input_shape):
        super().build(input_shape)
        self.loc = self._fixed_weight("loc", self.event_shape)
        self.scale_tril = self._fixed_weight("scale_tril", self.event_shape * 2)

    def distribution(self, context: Context = None) -> tfd.Distribution:
        self._check_fitted()
        affine = None if self.unit else (tf.convert_to_tensor(self.loc), tf.convert_to_tensor(self.scale_tril))
        return Pushforward(self._whitened(context), self._forward, self._inverse, affine=affine)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        self._check_fitted()
        return self._codes(self._affine(self._sample_whitened(seeds, rows, context, temperature)))

    def _codes(self, y):
        return tf.sigmoid(y) if self.unit else y

    def _affine(self, w):
        return tf.convert_to_tensor(self.loc) + tf.linalg.matvec(tf.convert_to_tensor(self.scale_tril), w)

    def _forward(self, w):
        y = self._affine(w)
        return self._codes(y), self._log_det(y)

    def _inverse(self, z):
        if self.unit:
            z = tf.clip_by_value(z, _EDGE, 1 - _EDGE)
        y = tf.math.log(z) - tf.math.log1p(-z) if self.unit else z
        factor = tf.linalg.LinearOperatorLowerTriangular(tf.convert_to_tensor(self.scale_tril))
        return factor.solvevec(y - tf.convert_to_tensor(self.loc)), self._log_det(y)

    def _log_det(self, y):
        scale = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(tf.convert_to_tensor(self.scale_tril))))
        # The derivative of the sigmoid of y, s(y) s(-y).
        return scale - tf.reduce_sum(tf.nn.softplus(y) + tf.nn.softplus(-y), axis=-1) if self.unit else scale


def _moments(codes):
    """Returns the mean [D] of codes and the lower Cholesky factor [D, D] of their covariance."""
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    variance = np.diag(covariance)
    if not variance.max() > 0:
        raise ValueError(f"`codes` must not all be equal. Received: {len(codes)} equal codes")
    ridge = _RIDGE * np.maximum(variance, _RIDGE * variance.max())  # constant dimensions get some variance too
    return codes.mean(axis=0), np.linalg.cholesky(covariance + np.diag(ridge))
