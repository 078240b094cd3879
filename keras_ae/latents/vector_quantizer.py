import numbers

import keras
import tensorflow as tf

from keras_ae.checks import check_size
from keras_ae.latents.deterministic import Deterministic
from keras_ae.latents.quantized import Quantized
from keras_ae.random import check_seed, step_seed

_SMOOTHING = 1e-5


@keras.saving.register_keras_serializable(package="keras_ae")
class VectorQuantizer(Deterministic):
    """Codes made of entries of a learned codebook, latent_dim / code_dim of them, each the nearest to what x gives:

        z_q = e_k,  k = argmin_j |z_e(x) - e_j|

    It goes with the objective `VectorQuantization`. The gradient of z_q is passed on to z_e as it is (straight
    through). The codebook learns as moving averages, updated in training as batch normalisation updates its own:

        N_k <- decay N_k + (1 - decay) n_k,  m_k <- decay m_k + (1 - decay) sum of the z_e nearest to e_k
        e_k = m_k / N_k

    or by gradients of the objective. Entries that are hardly used become copies of values z_e of the batch. As in batch
    normalisation, every row of a batch counts, whatever its sample weight. A model has no prior over such codes
    (`prior=None`): it encodes and reconstructs. `model.posterior(x).index` are the numbers of the entries.

    Args:
        num_codes: entries of the codebook, K.
        code_dim: values of an entry.
        update: `"ema"` for moving averages or `"gradient"`.
        decay: of the moving averages, in [0, 1) (symbol gamma).
        revive_below: moving average of the uses in a batch below which an entry is replaced; 0 for never.
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

    space = "codes of a codebook"
    has_codebook = True

    def __init__(self, num_codes=512, *, code_dim=4, update="ema", decay=0.99, revive_below=0.01, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.num_codes = check_size("num_codes", num_codes)
        self.code_dim = check_size("code_dim", code_dim)
        if update not in ("ema", "gradient"):
            raise ValueError(f'`update` must be "ema" or "gradient". Received: update={update!r}')
        if not isinstance(decay, numbers.Real) or not 0 <= decay < 1:
            raise ValueError(f"`decay` must be in [0, 1). Received: decay={decay!r}")
        if not isinstance(revive_below, numbers.Real) or not 0 <= revive_below < float("inf"):
            raise ValueError(f"`revive_below` must be a finite number >= 0. Received: revive_below={revive_below!r}")
        self.update, self.decay, self.revive_below = update, float(decay), float(revive_below)
        self.seed = check_seed(seed)

    def check_latent_dim(self, latent_dim):
        if latent_dim % self.code_dim:
            raise ValueError(
                f"`latent_dim` must be a multiple of the {self.code_dim} values of a codebook's entry. "
                f"Received: latent_dim={latent_dim}"
            )

    def build(self, input_shape, event_shape):
        super().build(input_shape, event_shape)
        options = {"dtype": "float32", "autocast": False, "aggregation": "mean"}
        shape, averages = (self.num_codes, self.code_dim), {**options, "trainable": False}
        self.codebook = self.add_weight(
            name="codebook",
            shape=shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            **{**options, "trainable": self.update == "gradient"},
        )
        self.uses = self.add_weight(name="uses", shape=shape[:1], initializer="ones", **averages)
        self.sums = self.add_weight(name="sums", shape=shape, initializer="zeros", **averages)
        self.sums.assign(self.codebook)
        counter = {"dtype": "int32", "trainable": False, "aggregation": "only_first_replica"}
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", **counter)

    def call(self, features, training=False):
        """z_e, z_q and the numbers of the entries in one tensor: [B, 2 D + D / code_dim]."""
        given = tf.cast(super().call(features), tf.float32)  # [B, D]
        rows = tf.reshape(given, [-1, self.code_dim])
        codebook = tf.convert_to_tensor(self.codebook)
        index = _nearest(rows, codebook)
        quantized = tf.gather(codebook, index)
        if training:
            self._learn(tf.stop_gradient(rows), index)
        named = tf.reshape(tf.cast(index, tf.float32), [-1, self.event_shape[0] // self.code_dim])
        return tf.concat([given, tf.reshape(quantized, tf.shape(given)), named], axis=-1)

    def distribution(self, params, step=0):
        given, quantized, index = self._split(params)
        return Quantized(given, quantized, index, self.num_codes, by_gradient=self.update == "gradient")

    def mean(self, params):
        """z_q: [B, D]."""
        return self._split(params)[1]

    def get_config(self):
        names = ("num_codes", "code_dim", "update", "decay", "revive_below", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _split(self, params):
        size = self.event_shape[0]
        return params[..., :size], params[..., size : 2 * size], tf.cast(params[..., 2 * size :], tf.int32)

    def _learn(self, rows, index):
        """Updates the moving averages, with "ema" the codebook, and replaces the entries that are hardly used."""
        chosen = tf.one_hot(index, self.num_codes)  # [N, K]
        uses = self.decay * self.uses + (1 - self.decay) * tf.reduce_sum(chosen, axis=0)
        sums = self.decay * self.sums + (1 - self.decay) * tf.linalg.matmul(chosen, rows, transpose_a=True)
        total = tf.reduce_sum(uses)
        # As if each entry had been used a little: the division by uses near 0 stays finite.
        smoothed = (uses + _SMOOTHING) / (total + self.num_codes * _SMOOTHING) * total
        entries = sums / smoothed[:, tf.newaxis] if self.update == "ema" else tf.convert_to_tensor(self.codebook)
        dead = uses < self.revive_below
        picks = tf.random.stateless_uniform(
            [self.num_codes], step_seed(self.seed, self.steps), maxval=tf.shape(rows)[0], dtype=tf.int32
        )
        entries = tf.where(dead[:, tf.newaxis], tf.gather(rows, picks), entries)
        self.codebook.assign(entries)
        self.uses.assign(tf.where(dead, 1.0, uses))
        self.sums.assign(tf.where(dead[:, tf.newaxis], entries, sums))
        self.steps.assign_add(1)


def _nearest(rows, codebook):
    """The number of the nearest entry of each row: int32 [N]."""
    products = tf.linalg.matmul(rows, codebook, transpose_b=True)
    # |row|^2 is the same for all entries.
    return tf.argmin(tf.reduce_sum(codebook**2, axis=-1) - 2.0 * products, axis=-1, output_type=tf.int32)
