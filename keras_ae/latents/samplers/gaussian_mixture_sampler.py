import keras
import numpy as np
import tensorflow as tf
from rich.progress import track

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.validation.arguments import check_size

_MOST_ITERATIONS = 500
_CODES_PER_COMPONENT = 10
_SAME = 1e-2  # total difference of two contexts, up to which they are one value of the condition


@keras.saving.register_keras_serializable(package="keras_ae")
class GaussianMixtureSampler(WhitenedSampler):
    """Gaussian mixture with full covariances, fitted by expectation maximization (scikit-learn):

        p(z) = sum_k weight_k N(z; loc_k, L_k L_k')

    For a conditional model, it fits a separate mixture p(z|c) for each common value of the condition, so the samples of
    a class follow the distribution of its codes. A value is common if it has at least ten codes per component, such
    as a label or a combination of labels. Others, such as each number of a continuous property, share one mixture of
    all codes.

    Args:
        components: number of components per mixture, K; the paper uses 10.

    Attributes:
        contexts_shape: [C, F] for C common values of the condition with F features; `None` if there are none.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x, labels = np.random.rand(90, 8, 8, 1), np.arange(90) % 3
        >>> model = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(3))
        >>> model.build((None, 8, 8, 1))
        >>> sampler = model.fit_sampler(GaussianMixtureSampler(2), x, labels, verbose=False)
        >>> model.sample(3, condition=[0, 1, 2], seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Ghosh et al. 2020, arXiv:1903.12436, section 4 ("ex-post density estimation").
    """

    learned = (*WhitenedSampler.learned, "contexts_shape")

    def __init__(self, components: int = 10, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)

    def _fewest(self, latent_dim: int) -> int:
        return max(super()._fewest(latent_dim), self.components)

    def _choose_sizes(self, latent_dim, context):
        common = self._common(latent_dim, context)
        self.contexts_shape = list(common.shape) if len(common) else None

    def _common(self, latent_dim, context):
        """Returns the common values of the condition [C, F]."""
        if context is None:
            return np.empty([0, 0])
        values, counts = np.unique(np.asarray(context, np.float32), axis=0, return_counts=True)
        return values[counts >= max(self._fewest(latent_dim), _CODES_PER_COMPONENT * self.components)]

    def build(self, input_shape):
        super().build(input_shape)
        shape = (self.components, *self.event_shape)
        if self.contexts_shape:
            self.contexts = self._fixed_weight("contexts", tuple(self.contexts_shape))
            shape = (self.contexts_shape[0] + 1, *shape)  # the last one is of all codes
        self.logits = self._fixed_weight("logits", shape[:-1])
        self.locs = self._fixed_weight("locs", shape)
        self.factors = self._fixed_weight("factors", (*shape, *self.event_shape))

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        groups = [slice(None)]
        if self.contexts_shape:
            common = self._common(codes.shape[1], context)
            self.contexts.assign(common)
            groups = [np.all(np.asarray(context, np.float32) == each, axis=1) for each in common] + groups
        fitted = [
            _mixture(codes[rows].astype(np.float64), self.components, seed)
            for rows in track(groups, type(self).__name__, transient=True, disable=not verbose)
        ]
        for weight, values in zip((self.logits, self.locs, self.factors), zip(*fitted, strict=True), strict=True):
            weight.assign(np.stack(values) if self.contexts_shape else values[0])

    def _whitened(self, context: Context) -> tfd.Distribution:
        logits, locs, factors = self._parameters()
        if self.contexts_shape:
            place = self._place(context)
            logits, locs, factors = (tf.gather(each, place) for each in (logits, locs, factors))
        return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.MultivariateNormalTriL(locs, factors))

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        logits, locs, factors = self._parameters()
        first = 0
        if self.contexts_shape:
            place, dim = self._place(context), self.event_shape[-1]
            logits, first = tf.gather(logits, place), place * self.components
            locs, factors = tf.reshape(locs, [-1, dim]), tf.reshape(factors, [-1, dim, dim])
        component = first + random.categorical(seeds, rows, logits, stream=1, temperature=temperature)  # [B]
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return tf.gather(locs, component) + tf.linalg.matvec(tf.gather(factors, component), noise)

    def _place(self, context):
        """Returns the mixture of each context [B, F], int32 [B], or the one of all codes, [], without a context."""
        last = self.contexts_shape[0]
        if context is None:
            return tf.constant(last)
        difference = tf.reduce_sum(tf.abs(context[:, tf.newaxis] - tf.convert_to_tensor(self.contexts)), axis=-1)
        nearest = tf.argmin(difference, axis=-1, output_type=tf.int32)
        return tf.where(tf.reduce_min(difference, axis=-1) < _SAME, nearest, last)

    def _parameters(self):
        return tuple(tf.convert_to_tensor(weight) for weight in (self.logits, self.locs, self.factors))


def _mixture(codes, components, seed):
    """Fits a mixture to whitened codes [N, D]: (logits [K], locs [K, D], factors [K, D, D])."""
    from sklearn.mixture import GaussianMixture  # slow to import

    mixture = GaussianMixture(components, max_iter=_MOST_ITERATIONS, random_state=seed).fit(codes)
    logits = np.log(np.maximum(mixture.weights_, np.finfo(np.float32).tiny))
    return logits, mixture.means_, np.linalg.cholesky(mixture.covariances_)
