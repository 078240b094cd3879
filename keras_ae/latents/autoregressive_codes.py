import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.checks import check_size, check_widths
from keras_ae.latents.masked_mlp import MaskedMLP
from keras_ae.latents.prior import Prior
from keras_ae.training import batches


@keras.saving.register_keras_serializable(package="keras_ae")
class AutoregressiveCodes(Prior):
    """A distribution over the codes of a codebook, learned when the model is trained, from which codes are drawn:

        p(k | c) = prod_i p(k_i | k_1 ... k_(i-1), c),  z = the entries with these numbers

    k are the numbers of the entries, `model.posterior(x).index`, and c the features of a condition, if it was fitted
    with them. A masked network turns vectors that stand for the numbers before i into one that is compared with those
    of all entries. It is what `Autoencoder(sampler=...)` takes: then `model.sample` works, and exports generate.

    Args:
        num_codes, code_dim, depth: those of the quantizer, whose depth is 1 unless it is a residual one.
        width: length of the vectors that stand for numbers.
        hidden: the widths of the network's hidden layers.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> quantizer = kae.latents.VectorQuantizer(8, code_dim=2)
        >>> parts = {"posterior": quantizer, "prior": None, "objective": "vector_quantization"}
        >>> model = kae.Autoencoder(latent_dim=6, **parts)
        >>> model.compile()
        >>> x = np.random.default_rng(0).random((64, 8, 8, 1))
        >>> history = model.fit(x, verbose=0)
        >>> codes = AutoregressiveCodes.of(quantizer, hidden=[32])
        >>> nats = codes.fit(model.posterior(x).index, quantizer.codebooks, epochs=2)
        >>> codes.sample(tf.constant([7, 7]), tf.constant([0, 1])).shape
        TensorShape([2, 6])

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, section 3.3, for a prior that is fitted
        afterwards; Germain et al. 2015, arXiv:1502.03509, for the masked network.
    """

    space = "codes of a codebook"

    def __init__(self, num_codes=512, *, code_dim=4, depth=1, width=32, hidden=(512, 512), **kwargs):
        super().__init__(**kwargs)
        self.num_codes = check_size("num_codes", num_codes)
        self.code_dim = check_size("code_dim", code_dim)
        self.depth = check_size("depth", depth)
        self.width = check_size("width", width)
        self.hidden = check_widths("hidden", hidden)
        self.network = MaskedMLP(self.hidden, width=self.width, outputs=self.width)

    @classmethod
    def of(cls, quantizer, **arguments):
        """One with the sizes of a `VectorQuantizer` or `ResidualVectorQuantizer`."""
        sizes = {name: getattr(quantizer, name) for name in ("num_codes", "code_dim", "depth")}
        return cls(**sizes, **arguments)

    def check_latent_dim(self, latent_dim):
        if latent_dim % self.code_dim:
            raise ValueError(
                f"`latent_dim` must be a multiple of the {self.code_dim} values of a codebook's entry. "
                f"Received: latent_dim={latent_dim}"
            )

    def build(self, input_shape, context_shape=None):
        self.event_shape = tuple(input_shape)
        self.num_places = self.event_shape[-1] // self.code_dim * self.depth
        options = {"dtype": "float32", "autocast": False}
        spread = keras.initializers.RandomNormal(stddev=1.0)
        shape = (self.depth, self.num_codes, self.code_dim)
        self.codebooks = self.add_weight(name="codebooks", shape=shape, trainable=False, initializer="zeros", **options)
        shape = (self.depth, self.num_codes, self.width)
        self.given = self.add_weight(name="given", shape=shape, initializer=spread, **options)
        self.asked = self.add_weight(name="asked", shape=shape, initializer=spread, **options)
        shape = (self.num_places, self.num_codes)
        self.offsets = self.add_weight(name="offsets", shape=shape, initializer="zeros", **options)
        self.network.build(self.num_places, 0 if context_shape is None else context_shape[-1])
        self._set_trainable(False)  # by the model: `fit` trains it

    def fit(self, index, codebooks, context=None, *, epochs=20, batch_size=128, learning_rate=1e-3, seed=0):
        """Learns p(k) from the codes of data.

        Args:
            index: numbers of entries [N, places], as `model.posterior(x).index`.
            codebooks: the entries [depth, num_codes, code_dim], as `model.posterior_layer.codebooks`.
            context: features of the condition of each code [N, F], `model.condition(values)`, or `None`.
            epochs, batch_size, learning_rate: of Adam.
            seed: integer that decides the order of the codes.

        Returns:
            The mean of -log p(k) in each epoch, in nats: a list of floats.

        Raises:
            ValueError: for numbers or entries that are not those of such a quantizer.
        """
        index, codebooks = self._checked(index, codebooks)
        context = None if context is None else tf.convert_to_tensor(context, tf.float32)
        if not self.built:
            shape = (index.shape[1] // self.depth * self.code_dim,)
            self.build(shape, None if context is None else tuple(context.shape))
        self.codebooks.assign(codebooks)
        data = {"index": index} if context is None else {"index": index, "context": context}
        self._set_trainable(True)
        try:
            optimizer = keras.optimizers.Adam(learning_rate)
            return self._train(batches(data, batch_size, seed=seed), check_size("epochs", epochs), optimizer)
        finally:
            self._set_trainable(False)

    def log_prob(self, index, context=None):
        """log p(k) of numbers of entries [B, places]: float32 [B], in nats."""
        index = tf.convert_to_tensor(index, tf.int32)
        features = tf.reshape(
            self._features(index, context), [-1, self.num_places // self.depth, self.depth, self.width]
        )
        logits = tf.einsum("bpdw,dkw->bpdk", features, tf.convert_to_tensor(self.asked))
        logits = tf.reshape(logits, [-1, self.num_places, self.num_codes]) + tf.convert_to_tensor(self.offsets)
        return -tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(index, logits), axis=-1)

    def sample(self, seeds, rows, context=None):
        index = [tf.zeros_like(seeds)] * self.num_places  # those that are not drawn yet are not looked at
        for place in range(self.num_places):
            features = self._features(tf.stack(index, axis=-1), context)[:, place]
            asked = tf.convert_to_tensor(self.asked)[place % self.depth]
            logits = tf.linalg.matmul(features, asked, transpose_b=True) + tf.convert_to_tensor(self.offsets)[place]
            index[place] = random.categorical(seeds, rows, logits, stream=place)
        return self.entries(tf.stack(index, axis=-1))

    def entries(self, index):
        """The codes [B, D] of numbers of entries [B, places]."""
        found = self._of_each_depth(self.codebooks, index)
        found = tf.reshape(found, [-1, self.num_places // self.depth, self.depth, self.code_dim])
        return tf.reshape(tf.reduce_sum(found, axis=2), [-1, *self.event_shape])

    def get_config(self):
        names = ("num_codes", "code_dim", "depth", "width")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, "hidden": list(self.hidden)}

    def _set_trainable(self, value):
        for part in (self, self.network):  # a layer that was made with False would not hand it on to those inside
            part.trainable = value

    def _features(self, index, context):
        """The vectors [B, places, width] that are compared with those of the entries."""
        vectors = tf.reshape(self._of_each_depth(self.given, index), [-1, self.num_places * self.width])
        if self.network.context_kernel is None:
            context = None
        return tf.stack(self.network(vectors, context), axis=-1)

    def _of_each_depth(self, table, index):
        """What a table [depth, num_codes, W] has for numbers [B, places]: [B, places, W]."""
        flat = tf.reshape(tf.convert_to_tensor(table), [-1, table.shape[-1]])
        return tf.gather(flat, index + self.num_codes * (tf.range(self.num_places) % self.depth))

    def _train(self, data, epochs, optimizer):
        variables = self.trainable_variables

        @tf.function(reduce_retracing=True)
        def step(batch):
            with tf.GradientTape() as tape:
                nats = -self.log_prob(batch["index"], batch.get("context"))
                loss = tf.reduce_mean(nats)
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return tf.reduce_sum(nats), tf.shape(nats)[0]

        optimizer.build(variables)
        history = []
        for _ in range(epochs):
            sums = np.sum([step(batch) for batch in data], axis=0)
            history.append(float(sums[0] / sums[1]))
        return history

    def _checked(self, index, codebooks):
        index, codebooks = np.asarray(index), np.asarray(codebooks, np.float32)
        wanted = (self.depth, self.num_codes, self.code_dim)
        if codebooks.shape != wanted:
            raise ValueError(f"`codebooks` must have shape {wanted}. Received: {codebooks.shape}")
        if index.ndim != 2 or index.dtype.kind not in "iu" or not index.size or index.shape[1] % self.depth:
            raise ValueError(
                f"`index` must be integers [N, places], {self.depth} for each place. "
                f"Received: {index.dtype} {list(index.shape)}"
            )
        if index.min() < 0 or index.max() >= self.num_codes:
            raise ValueError(f"`index` must be in [0, {self.num_codes}). Received: from {index.min()} to {index.max()}")
        return index.astype(np.int32), codebooks
