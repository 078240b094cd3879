from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import Distribution, tfd
from keras_ae.latents.code_distribution import Context, Float, context_size_of
from keras_ae.latents.distributions.quantized import Quantized
from keras_ae.latents.posteriors.codebook import codes_of
from keras_ae.latents.priors.autoregressive_categorical import AutoregressiveCategorical
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.latents.spaces import Entries, Space
from keras_ae.validation.arguments import check_size, check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class AutoregressivePrior(LearnedPrior):
    """Autoregressive prior over the indices of codebook entries, trained together with the model:

        p(k | c) = prod_i p(k_i | k_1 ... k_(i-1), c),  z = the entries with these indices
        kl = KL(q(k|x) || p(k | c)) = -log p(k(x) | c)

    k are the indices of the entries, q(k|x) puts all probability on k(x), and c are the features of the condition in a
    conditional model. The objective adds the KL to the loss; its gradient reaches only the prior, so the autoencoder is
    trained as it would be without the prior. The prior gives the bound log p(x) >= -(reconstruction + kl), and the
    model can `sample` without `fit_sampler`. The sampler `"autoregressive"` learns the same distribution from the codes
    of a trained model.

    Args:
        width: dimension of the embeddings of the indices.
        hidden: widths of the network's hidden layers.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> prior = AutoregressivePrior(hidden=[32])
        >>> model = kae.models.VQVAE(latent_dim=6, num_codes=8, code_dim=2, prior=prior)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, section 3.1 for the bound and section 3.3 for the
        prior, which the paper fits afterwards; Germain et al. 2015, arXiv:1502.03509, for the masked network.
    """

    space = Entries()

    def __init__(self, width: int = 32, *, hidden: Sequence[int] = (512, 512), **kwargs):
        super().__init__(**kwargs)
        self.width = check_size("width", width)
        self.hidden = check_widths("hidden", hidden)
        self.numbers = AutoregressiveCategorical(self.width, self.hidden)
        self._codebooks = None

    def covers(self, space: Space) -> bool:
        return space == self.space

    def bind_codebooks(self, codebooks: Callable[[], tf.Tensor]) -> None:
        if self._codebooks not in (None, codebooks):
            raise ValueError("AutoregressivePrior must not be shared by two models: create one for each.")
        self._codebooks = codebooks

    def build(self, input_shape):
        super().build(input_shape)
        codebooks = tuple(self._entries().shape)
        self.numbers.build(self.event_shape[-1], codebooks, context_size_of(input_shape))

    def distribution(self, context: Context = None) -> tfd.Distribution:
        return EntryIndices(self.numbers, self._entries(), context)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        return codes_of(self.numbers.draw(seeds, rows, context, temperature), self._entries())

    def _entries(self):
        if self._codebooks is None:
            raise ValueError("AutoregressivePrior has no codebook yet: make it part of a model and build the model.")
        return self._codebooks()


class EntryIndices(Distribution):
    """p(k | c) as a distribution over codes; the density of a code is the probability of its indices.

    Args:
        numbers: the `AutoregressiveCategorical` over indices.
        codebooks: the entries [depth, K, code_dim].
        context: features of the condition [*batch, F], or `None`.
    """

    def __init__(
        self,
        numbers: AutoregressiveCategorical,
        codebooks: tf.Tensor,
        context: Context = None,
        name: str = "EntryIndices",
    ):
        parameters = dict(locals())
        parameters["context"] = context = tf.zeros([0]) if context is None else context
        self.numbers, self.codebooks, self.context = numbers, codebooks, context
        super().__init__(parameters)

    def log_prob_of_indices(self, index: tf.Tensor) -> tf.Tensor:
        """Returns log p(k | c) of indices [..., places], such as `model.posterior(x).index`: float32 [...], in nats."""
        index = tf.convert_to_tensor(index, tf.int32)
        conditional = self.context.shape[-1] > 0
        if len(index.shape) == 2 and (not conditional or self.context.shape[:-1] == index.shape[:-1]):
            return self.numbers.log_prob(index, self.context if conditional else None)
        shape = tf.broadcast_dynamic_shape(tf.shape(index)[:-1], self.batch_shape_tensor())
        log_prob = self.numbers.log_prob(_in_rows(index, shape), self._contexts(shape))
        return tf.reshape(log_prob, shape)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"context": tfp.util.ParameterProperties(event_ndims=1)}

    def _event_shape(self):
        return tf.TensorShape([self.numbers.num_places // self.numbers.depth * self.codebooks.shape[-1]])

    def _log_prob(self, z):
        raise NotImplementedError(
            "Codes have no density: call `log_prob_of_indices` with the indices of their entries."
        )

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        num = tf.reduce_prod(shape)
        # One seed for all draws and one row each, as in `Prior.sample`.
        drawn = tf.random.stateless_uniform([], tfp.random.sanitize_seed(seed), 0, tf.int32.max, tf.int32)
        index = self.numbers.draw(tf.fill([num], drawn), tf.range(num), self._contexts(shape))
        return tf.reshape(codes_of(index, self.codebooks), tf.concat([shape, self.event_shape_tensor()], axis=0))

    def _contexts(self, shape):
        """Returns the features of the condition for each index of a shape, as a matrix."""
        return _in_rows(self.context, shape) if self.context.shape[-1] else None


def _in_rows(values, shape):
    """Broadcasts vectors [..., W] to [*shape, W], as a matrix."""
    width = values.shape[-1]
    return tf.reshape(tf.broadcast_to(values, tf.concat([shape, [width]], axis=0)), [-1, width])


@tfd.RegisterKL(Quantized, EntryIndices)
def _kl(q, p, name=None):
    """Returns -log p(k(x) | c), [B], because q puts all probability on k(x)."""
    return tf.negative(p.log_prob_of_indices(q.index), name=name)
