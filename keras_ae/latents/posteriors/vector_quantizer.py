import functools

import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.quantized import Quantized
from keras_ae.latents.posteriors.codebook import Codebook
from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.latents.spaces import Entries, Formula
from keras_ae.random import check_seed
from keras_ae.step_context import INFERENCE
from keras_ae.validation.arguments import check_choice, check_number, check_size


def _check_decay(argument, value):
    decay = check_number(argument, value, low=0.0)
    if decay >= 1:
        raise ValueError(f"`{argument}` must be in [0, 1). Received: {argument}={value!r}")
    return decay


@keras.saving.register_keras_serializable(package="keras_ae")
class VectorQuantizer(Deterministic):
    """Codes made of entries of a learned codebook, latent_dim / code_dim of them, each the nearest to what x gives:

        z_q = e_k,  k = argmin_j |z_e(x) - e_j|

    It goes with the objective `VectorQuantization`. The gradient of z_q is passed on to z_e as it is (straight
    through). The codebook learns as moving averages, updated in training as batch normalization updates its own:

        N_k <- decay N_k + (1 - decay) n_k,  m_k <- decay m_k + (1 - decay) sum of the z_e nearest to e_k
        e_k = m_k / N_k

    or by gradients of the objective. Entries that are hardly used become copies of values z_e of the batch. An example
    counts by its sample weight. The prior over such codes is `"autoregressive"`, or `None`: a model then samples after
    `model.fit_sampler("autoregressive", x)`. `model.posterior(x).index` are the numbers of the entries, and `codebooks`
    the entries.

    Args:
        num_codes: entries of the codebook, K.
        code_dim: values of an entry.
        update: `"ema"` for moving averages or `"gradient"`.
        decay: of the moving averages, in [0, 1) (symbol gamma).
        revive_below: moving average of the uses in a batch below which an entry is replaced; 0 for never. With sample
            weights, a use is one of the mean weight of the examples that count.
        seed: integer; decides which values replace entries.

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
    formulas = Deterministic.formulas | {Formula.KL}  # of the numbers of the entries, which are discrete
    depth = 1  # codebooks that a code goes through, one after the other

    decay = Hyperparameter(_check_decay)
    revive_below = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(self, num_codes=512, *, code_dim=4, update="ema", decay=0.99, revive_below=0.01, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_codes = check_size("num_codes", num_codes)
        self.code_dim = check_size("code_dim", code_dim)
        self.update = check_choice("update", update, ("ema", "gradient"))
        self.decay = decay
        self.revive_below = revive_below
        self.seed = check_seed(seed)

    def check_latent_dim(self, latent_dim):
        if latent_dim % self.code_dim:
            raise ValueError(
                f"`latent_dim` must be a multiple of the {self.code_dim} values of a codebook's entry. "
                f"Received: latent_dim={latent_dim}"
            )

    def build(self, input_shape):
        super().build(input_shape)
        options = {"update": self.update, "seed": self.seed}
        self.books = [Codebook(self.num_codes, self.code_dim, number=i, **options) for i in range(self.depth)]
        for book in self.books:
            book.build()

    def get_codebooks(self):
        """The entries of all codebooks: float32 tensor [depth, num_codes, code_dim]."""
        return tf.stack([tf.convert_to_tensor(book.entries) for book in self.books])

    @property
    def codebooks(self):
        """The entries of all codebooks: float32 tensor [depth, num_codes, code_dim]."""
        return self.get_codebooks()

    def call(self, features, step_context=INFERENCE, training=False):
        """z_e, the entries of each codebook and their numbers in one tensor: [B, D + depth D + depth D / code_dim]."""
        given = tf.cast(super().call(features, step_context), tf.float32)  # [B, D]
        rest = tf.reshape(given, [-1, self.code_dim])
        weight = step_context.weight
        if weight is not None:  # of each example, for each of its places
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

    def output_size(self):
        return (1 + self.depth) * self.latent_dim + self.depth * self.latent_dim // self.code_dim

    def compute_output_spec(self, features, step_context=INFERENCE, training=False):
        return keras.KerasTensor(self.compute_output_shape(features.shape), "float32")  # numbers of entries are exact

    def distribution(self, params, step_context=INFERENCE):
        given, entries, index = self._split(params)
        return Quantized(given, entries, index, self.num_codes, by_gradient=self.update == "gradient")

    def mean(self, params):
        """z_q: [B, D]."""
        return tf.reduce_sum(self._split(params)[1], axis=-2)

    def code(self, params):
        """z_q, with a gradient that is passed on to z_e as it is: [B, D]."""
        given = self._split(params)[0]
        return self.mean(params) + (given - tf.stop_gradient(given))

    def get_config(self):
        names = ("num_codes", "code_dim", "update", "decay", "revive_below", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _split(self, params):
        """z_e [..., D], entries [..., depth, D] and numbers [..., depth D / code_dim]."""
        size = self.latent_dim
        entries = params[..., size : (1 + self.depth) * size]
        entries = tf.reshape(entries, tf.concat([tf.shape(entries)[:-1], [self.depth, size]], axis=0))
        return params[..., :size], entries, tf.cast(params[..., (1 + self.depth) * size :], tf.int32)
