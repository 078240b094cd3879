import functools

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.quantized import Quantized
from keras_ae.latents.posteriors.codebook import Codebook
from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.latents.spaces import Entries, Formula
from keras_ae.random import check_seed
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import MAX_DEPTH, check_choice, check_fraction, check_number, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class VectorQuantizer(Deterministic):
    """Vector quantization: replaces each of latent_dim / code_dim vectors by the nearest entry of a learned codebook:

        z_q = e_k,  k = argmin_j |z_e(x) - e_j|

    Use it with the objective `VectorQuantization`. The gradient of z_q is copied to z_e (straight-through estimator).
    The codebook learns by exponential moving averages, updated during training like the statistics of batch
    normalization:

        N_k <- decay N_k + (1 - decay) n_k,  m_k <- decay m_k + (1 - decay) sum of the z_e nearest to e_k
        e_k = m_k / N_k

    or by gradients of the objective. Rarely used entries are replaced by values z_e of the batch. Sample weights weight
    the examples. The prior over these codes is `"autoregressive"` or `None`; with `None`, call
    `model.fit_sampler("autoregressive", x)` before `sample`. `model.posterior(x).index` holds the indices of the
    entries, and `codebooks` the entries.

    Args:
        num_codes: number of codebook entries, K.
        code_dim: dimension of an entry.
        update: `"ema"` for moving averages or `"gradient"`.
        decay: decay of the moving averages, in [0, 1) (symbol gamma).
        revive_below: an entry is replaced when its moving average of uses per batch falls below this number; 0 for
            never. Sample weights are relative to the mean weight of the examples that count.
        seed: integer seed of the values that replace entries.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> quantizer = VectorQuantizer(32, code_dim=2)
        >>> model = kae.Autoencoder(latent_dim=8, posterior=quantizer, prior=None, objective="vector_quantization")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.posterior(np.random.rand(5, 8, 8, 1)).index.shape
        TensorShape([5, 4])

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, equations 1 to 3 and appendix A.1.
    """

    space = Entries()
    formulas = Deterministic.formulas | {Formula.KL}  # of the indices of the entries, which are discrete
    depth = 1  # number of codebooks in sequence

    decay = Hyperparameter(functools.partial(check_fraction, interval="[0, 1)"))
    revive_below = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(
        self,
        num_codes: int = 512,
        *,
        code_dim: int = 4,
        update: str = "ema",
        decay: float = 0.99,
        revive_below: float = 0.01,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_codes = check_size("num_codes", num_codes)
        self.code_dim = check_size("code_dim", code_dim)
        self.update = check_choice("update", update, ("ema", "gradient"))
        self.decay = decay
        self.revive_below = revive_below
        self.seed = check_seed(seed)

    def check_latent_dim(self, latent_dim: int) -> None:
        if latent_dim % self.code_dim:
            raise ValueError(
                f"`latent_dim` must be a multiple of code_dim={self.code_dim}. Received: latent_dim={latent_dim}"
            )

    def build(self, input_shape):
        super().build(input_shape)
        options = {"update": self.update, "seed": self.seed}
        self.books = [Codebook(self.num_codes, self.code_dim, number=i, **options) for i in range(self.depth)]
        for book in self.books:
            book.build()

    def get_codebooks(self) -> tf.Tensor:
        """The entries of all codebooks: float32 tensor [depth, num_codes, code_dim]."""
        return tf.stack([tf.convert_to_tensor(book.entries) for book in self.books])

    @property
    def codebooks(self) -> tf.Tensor:
        """The entries of all codebooks: float32 tensor [depth, num_codes, code_dim]."""
        return self.get_codebooks()

    def call(self, features, step_context: StepContext = INFERENCE, training=False):
        """Returns z_e, the entries and their indices in one tensor: [B, D + depth D + depth D / code_dim]."""
        given = tf.cast(super().call(features, step_context), tf.float32)  # [B, D]
        rest = tf.reshape(given, [-1, self.code_dim])
        weight = step_context.weight
        if weight is not None:  # weight of each example, for each of its positions
            weight = tf.repeat(weight, self.latent_dim // self.code_dim)
        entries, picked = [], []
        for book in self.books:
            chosen, index = book(rest)
            if training:
                book.learn(rest, index, weight, decay=self.decay, revive_below=self.revive_below)
            entries.append(tf.reshape(chosen, tf.shape(given)))
            picked.append(index)
            rest -= tf.stop_gradient(chosen)
        index = tf.reshape(tf.stack(picked, axis=-1), [-1, self.depth * self.latent_dim // self.code_dim])
        return tf.concat([given, *entries, tf.cast(index, tf.float32)], axis=-1)

    def output_size(self) -> int:
        return (1 + self.depth) * self.latent_dim + self.depth * self.latent_dim // self.code_dim

    def compute_output_spec(self, features, step_context: StepContext = INFERENCE, training=False):
        return keras.KerasTensor(self.compute_output_shape(features.shape), "float32")  # float32 holds indices exactly

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        given, entries, index = self._split(params)
        return Quantized(given, entries, index, self.num_codes, by_gradient=self.update == "gradient")

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns z_q: [B, D]."""
        return tf.reduce_sum(self._split(params)[1], axis=-2)

    def code(self, params: tf.Tensor) -> tf.Tensor:
        """Returns z_q with the straight-through gradient to z_e: [B, D]."""
        given = self._split(params)[0]
        return self.mean(params) + (given - tf.stop_gradient(given))

    def _split(self, params):
        """Splits into z_e [..., D], entries [..., depth, D] and indices [..., depth D / code_dim]."""
        size = self.latent_dim
        entries = params[..., size : (1 + self.depth) * size]
        entries = tf.reshape(entries, tf.concat([tf.shape(entries)[:-1], [self.depth, size]], axis=0))
        return params[..., :size], entries, tf.cast(params[..., (1 + self.depth) * size :], tf.int32)


@keras.saving.register_keras_serializable(package="keras_ae")
class ResidualVectorQuantizer(VectorQuantizer):
    """Residual vector quantization: each codebook quantizes the residual that the previous ones left:

        r_0 = z_e(x),  k_i = argmin_j |r_(i-1) - e_ij|,  r_i = r_(i-1) - e_(i, k_i),  z_q = sum_i e_(i, k_i)

    Each of the latent_dim / code_dim positions takes one of K^depth values, far more than a single codebook could hold.
    Use it with the objective `VectorQuantization`, whose commitment then sums |z_e - z_q|^2 over the partial sums z_q.
    Every depth has its own codebook, as in Zeghidour 2021, which learns as in `VectorQuantizer`.
    `model.posterior(x).index` holds the indices of the entries, [B, positions * depth]; the indices of one position are
    adjacent.

    Args:
        num_codes: number of entries in each codebook, K.
        code_dim: dimension of an entry.
        depth: number of codebooks (symbol D in Lee 2022, N_q in Zeghidour 2021).
        update, decay, revive_below, seed: as in `VectorQuantizer`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> quantizer = ResidualVectorQuantizer(16, code_dim=4, depth=3)
        >>> model = kae.Autoencoder(latent_dim=8, posterior=quantizer, prior=None, objective="vector_quantization")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.posterior(np.random.rand(5, 8, 8, 1)).index.shape
        TensorShape([5, 6])

    References:
        Zeghidour et al. 2021, arXiv:2107.03312, section III.C, algorithm 1; Lee et al. 2022, arXiv:2203.01941,
        section 3.1, for the commitment.
    """

    def __init__(
        self,
        num_codes: int = 256,
        *,
        code_dim: int = 4,
        depth: int = 4,
        update: str = "ema",
        decay: float = 0.99,
        revive_below: float = 0.01,
        seed: int = 0,
        **kwargs,
    ):
        learning = {"update": update, "decay": decay, "revive_below": revive_below, "seed": seed}
        super().__init__(num_codes, code_dim=code_dim, **learning, **kwargs)
        self.depth = check_size("depth", depth, high=MAX_DEPTH)
