from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.posteriors.codebook import codes_of
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.priors.autoregressive_categorical import AutoregressiveCategorical
from keras_ae.latents.samplers.gradient_sampler import GradientSampler
from keras_ae.latents.spaces import Entries, Space
from keras_ae.parts import freeze, weights_from
from keras_ae.validation.arguments import check_size, check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class AutoregressiveSampler(GradientSampler):
    """Autoregressive sampler over the indices of codebook entries, fitted after training:

        p(k | c) = prod_i p(k_i | k_1 ... k_(i-1), c),  z = the entries with these indices

    k are the indices of the entries, `model.posterior(x).index`, and c the features of the condition in a conditional
    model. A masked network maps embeddings of the indices before i to a vector, whose inner products with the
    embeddings of all entries are the logits. The loss is -log p(k | c). A tenth of the codes is held out for early
    stopping.

    Args:
        width: dimension of the embeddings of the indices.
        hidden: widths of the network's hidden layers.
        epochs: maximum number of epochs.
        patience: number of epochs without improvement on the held-out codes after which training stops.
        learning_rate: learning rate of Adam.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VQVAE(latent_dim=6, num_codes=8, code_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> sampler = AutoregressiveSampler(hidden=[32], epochs=2)
        >>> sampler = model.fit_sampler(sampler, np.random.rand(64, 8, 8, 1), verbose=False)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, section 3.3, for a prior that is fitted
        afterwards; Germain et al. 2015, arXiv:1502.03509, for the masked network.
    """

    space = Entries()
    learned = ("num_codes", "table_shape", "context_size")

    def __init__(
        self,
        width: int = 32,
        *,
        hidden: Sequence[int] = (512, 512),
        epochs: int = 50,
        patience: int = 5,
        learning_rate: float = 1e-3,
        **kwargs,
    ):
        super().__init__(epochs, patience, learning_rate, **kwargs)
        self.width = check_size("width", width)
        self.hidden = check_widths("hidden", hidden)
        self.numbers = AutoregressiveCategorical(self.width, self.hidden)

    def covers(self, space: Space) -> bool:
        return space == self.space

    def fit_to(self, posterior: Posterior, params: tf.Tensor, context: Context, *, seed: int, verbose: bool) -> None:
        index = posterior.distribution(params).index
        self.fit(index, posterior.codebooks, context, seed=seed, verbose=verbose)

    def fit(
        self,
        index: np.ndarray,
        codebooks: np.ndarray,
        context: np.ndarray | None = None,
        *,
        seed: int = 0,
        verbose: bool = True,
    ) -> None:
        """Learns p(k | c) from the codes of examples.

        Args:
            index: indices of entries [N, places], as `model.posterior(x).index`; with several codebooks in sequence,
                the indices of one position are adjacent.
            codebooks: the entries [depth, K, code_dim], as `model.posterior_layer.codebooks`.
            context: features of the condition of each code [N, F], `model.condition(values)`, or `None`.
            seed: integer seed of the initial weights, the order of the codes, and the held-out codes.
            verbose: whether to show a progress bar.

        Raises:
            ValueError: for too few codes, for indices out of range, and for a sampler that is already fitted.
        """
        self._check_unfitted()
        index, codebooks = _checked(index, codebooks)
        self.table_shape = codebooks.shape
        self.context_size = 0 if context is None else int(context.shape[-1])
        dim = index.shape[1] // self.table_shape[0] * self.table_shape[2]
        self._check_number(len(index), dim)
        self.num_codes = len(index)
        with weights_from(seed, "sampler", self):
            self.build((None, dim))
        rows = index if context is None else np.concatenate([index, context], axis=1)
        places = self.numbers.num_places

        def loss(rows, seed):
            index = tf.cast(rows[:, :places], tf.int32)
            return -self.numbers.log_prob(index, rows[:, places:] if self.context_size else None)

        self._descend([self.numbers], loss, rows.astype(np.float32), seed=seed, verbose=verbose)
        self.codebooks.assign(codebooks)

    def build(self, input_shape):
        super().build(input_shape)
        self.codebooks = self._fixed_weight("codebooks", tuple(self.table_shape))
        self.numbers.build(self.event_shape[-1], self.table_shape, self.context_size)
        freeze(self.numbers)

    def log_prob(self, index: tf.Tensor, context: Context = None) -> tf.Tensor:
        """Returns log p(k | c) of indices [B, places]: float32 [B], in nats."""
        self._check_fitted()
        return self.numbers.log_prob(tf.convert_to_tensor(index, tf.int32), context)

    def distribution(self, context: Context = None) -> tfd.Distribution:
        raise NotImplementedError("AutoregressiveSampler has `log_prob` for indices of entries, not for codes.")

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        self._check_fitted()
        return codes_of(self.numbers.draw(seeds, rows, context, temperature), self.codebooks)


def _checked(index, codebooks):
    index, codebooks = np.asarray(index), np.asarray(codebooks, np.float32)
    if codebooks.ndim != 3:
        raise ValueError(f"`codebooks` must have shape [depth, K, code_dim]. Received: {list(codebooks.shape)}")
    depth, num, _ = codebooks.shape
    if index.ndim != 2 or index.dtype.kind not in "iu" or not index.size or index.shape[1] % depth:
        raise ValueError(
            f"`index` must be integers [N, places], {depth} per position. Received: {index.dtype} {list(index.shape)}"
        )
    if index.min() < 0 or index.max() >= num:
        raise ValueError(f"`index` must be in [0, {num}). Received: from {index.min()} to {index.max()}")
    return index, codebooks
