import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.checks import check_size, check_widths
from keras_ae.latents.masked_mlp import MaskedMLP
from keras_ae.samplers.gradient_sampler import GradientSampler


@keras.saving.register_keras_serializable(package="keras_ae")
class AutoregressiveSampler(GradientSampler):
    """A distribution over the codes of a codebook, from which codes are drawn number by number:

        p(k | c) = prod_i p(k_i | k_1 ... k_(i-1), c),  z = the entries with these numbers

    k are the numbers of the entries, `model.posterior(x).index`, and c the features of the condition, where the model
    has one. A masked network turns vectors that stand for the numbers before i into one that is compared with those of
    all entries. The loss is -log p(k | c); a tenth of the codes is held out: training ends when they get less likely.

    Args:
        width: length of the vectors that stand for numbers.
        hidden: the widths of the network's hidden layers.
        epochs: the most times through the codes.
        patience: epochs in which the held-out codes get no more likely, before it ends.
        learning_rate: of Adam.

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

    space = "codes of a codebook"
    learned = ("num_codes", "table_shape", "context_size")
    marker = "codebooks"

    def __init__(self, width=32, *, hidden=(512, 512), epochs=50, patience=5, learning_rate=1e-3, **kwargs):
        super().__init__(epochs, patience, learning_rate, **kwargs)
        self.width = check_size("width", width)
        self.hidden = check_widths("hidden", hidden)
        self.network = MaskedMLP(self.hidden, width=self.width, outputs=self.width)

    def fit_to(self, posterior, params, context, *, seed, verbose):
        index = posterior.distribution(params).index
        self.fit(index, posterior.codebooks, context, seed=seed, verbose=verbose)

    def fit(self, index, codebooks, context=None, *, seed=0, verbose=True):
        """Learns p(k | c) from the codes of examples.

        Args:
            index: numbers of entries [N, places], as `model.posterior(x).index`: of several codebooks that follow each
                other, those of one place are beside each other.
            codebooks: the entries [depth, K, code_dim], as `model.posterior_layer.codebooks`.
            context: features of the condition of each code [N, F], `model.condition(values)`, or `None`.
            seed: integer that decides the order of the codes, and which are held out.
            verbose: whether to show the progress.

        Raises:
            ValueError: for too few codes, numbers that are no entries', and a sampler that was fitted.
        """
        self.check_unfitted()
        index, codebooks = _checked(index, codebooks)
        self.table_shape = codebooks.shape
        self.context_size = 0 if context is None else int(context.shape[-1])
        dim = index.shape[1] // self.table_shape[0] * self.table_shape[2]
        self.check_number(len(index), dim)
        self.num_codes = len(index)
        self.build((dim,))
        rows = index if context is None else np.concatenate([index, context], axis=1)
        places = self.num_places

        def loss(rows, seed):
            numbers = tf.cast(rows[:, :places], tf.int32)
            return -self._log_prob(numbers, rows[:, places:] if self.context_size else None)

        self.descend([self, self.network], loss, rows.astype(np.float32), seed=seed, verbose=verbose)
        self.codebooks.assign(codebooks)

    def build(self, input_shape):
        self.event_shape = tuple(input_shape)
        depth, num, code_dim = self.table_shape
        self.num_places = self.event_shape[-1] // code_dim * depth
        options = {"dtype": "float32", "autocast": False}
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.codebooks = self.fixed_weight("codebooks", tuple(self.table_shape))
        shape = (depth, num, self.width)
        self.given = self.add_weight(name="given", shape=shape, initializer=spread, **options)
        self.asked = self.add_weight(name="asked", shape=shape, initializer=spread, **options)
        shape = (self.num_places, num)
        self.offsets = self.add_weight(name="offsets", shape=shape, initializer="zeros", **options)
        self.network.build(self.num_places, self.context_size)
        self.freeze(self, self.network)

    def log_prob(self, index, context=None):
        """log p(k | c) of numbers of entries [B, places]: float32 [B], in nats."""
        self.check_fitted()
        return self._log_prob(tf.convert_to_tensor(index, tf.int32), context)

    def distribution(self, context=None):
        raise NotImplementedError("AutoregressiveSampler has `log_prob` of the numbers of entries, not of codes.")

    def sample(self, seeds, rows, context=None, temperature=1.0):
        self.check_fitted()
        index = [tf.zeros_like(seeds)] * self.num_places  # those that are not drawn yet are not looked at
        for place in range(self.num_places):
            features = self._features(tf.stack(index, axis=-1), context)[:, place]
            asked = tf.convert_to_tensor(self.asked)[place % self.table_shape[0]]
            logits = tf.linalg.matmul(features, asked, transpose_b=True) + tf.convert_to_tensor(self.offsets)[place]
            index[place] = random.categorical(seeds, rows, logits, stream=place, temperature=temperature)
        return self.entries(tf.stack(index, axis=-1))

    def entries(self, index):
        """The codes [B, D] of numbers of entries [B, places]: sums over depth."""
        found = tf.reduce_sum(self._by_depth(self._of_each_depth(self.codebooks, index)), axis=2)
        return tf.reshape(found, [-1, *self.event_shape])

    def get_config(self):
        table_shape = None if self.table_shape is None else list(self.table_shape)
        return {**super().get_config(), "width": self.width, "hidden": list(self.hidden), "table_shape": table_shape}

    def _log_prob(self, index, context):
        features = self._by_depth(self._features(index, context))
        logits = tf.einsum("bpdw,dkw->bpdk", features, tf.convert_to_tensor(self.asked))
        logits = tf.reshape(logits, [-1, *self.offsets.shape]) + tf.convert_to_tensor(self.offsets)
        return -tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(index, logits), axis=-1)

    def _features(self, index, context):
        """The vectors [B, places, width] that are compared with those of the entries."""
        vectors = tf.reshape(self._of_each_depth(self.given, index), [-1, self.num_places * self.width])
        return tf.stack(self.network(vectors, context if self.context_size else None), axis=-1)

    def _of_each_depth(self, table, index):
        """What a table [depth, K, W] has for numbers [B, places]: [B, places, W]."""
        depth, num, _ = table.shape
        flat = tf.reshape(tf.convert_to_tensor(table), [depth * num, -1])
        return tf.gather(flat, index + num * (tf.range(self.num_places) % depth))

    def _by_depth(self, values):
        """[B, places, W] as [B, places / depth, depth, W]."""
        depth = self.table_shape[0]
        return tf.reshape(values, [-1, self.num_places // depth, depth, values.shape[-1]])


def _checked(index, codebooks):
    index, codebooks = np.asarray(index), np.asarray(codebooks, np.float32)
    if codebooks.ndim != 3:
        raise ValueError(f"`codebooks` must have shape [depth, K, code_dim]. Received: {list(codebooks.shape)}")
    depth, num, _ = codebooks.shape
    if index.ndim != 2 or index.dtype.kind not in "iu" or not index.size or index.shape[1] % depth:
        raise ValueError(
            f"`index` must be integers [N, places], {depth} for each place. Received: {index.dtype} {list(index.shape)}"
        )
    if index.min() < 0 or index.max() >= num:
        raise ValueError(f"`index` must be in [0, {num}). Received: from {index.min()} to {index.max()}")
    return index, codebooks
