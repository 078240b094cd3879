from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.latents.bijectors.masked_mlp import MaskedMLP
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.posteriors.codebook import by_depth, look_up


class AutoregressiveCategorical(keras.layers.Layer):
    """Autoregressive distribution over the indices of codebook entries, each given the previous ones:

        p(k | c) = prod_i p(k_i | k_1 ... k_(i-1), c)

    A masked network maps embeddings of the indices before i to a vector, whose inner products with the embeddings of
    all entries are the logits; c are the features of a condition, if there is one. At the start, all entries are
    equally likely.

    Args:
        width: dimension of the embeddings of the indices.
        hidden: widths of the network's hidden layers.

    References:
        Germain et al. 2015, arXiv:1502.03509, for the masked network.
    """

    def __init__(self, width: int, hidden: Sequence[int], **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.width = width
        self.network = MaskedMLP(hidden, width=width, outputs=width)

    def build(self, latent_dim, codebooks_shape, context_size):
        """Makes the weights for codes of dimension D.

        Args:
            latent_dim: D.
            codebooks_shape: (depth, K, code_dim) of the entries.
            context_size: number of features of the condition, 0 for none.
        """
        self.depth, num, code_dim = codebooks_shape
        self.num_places, self.context_size = latent_dim // code_dim * self.depth, context_size
        # Embeddings of the indices before, and of the entries to choose from.
        shape, start = (self.depth, num, self.width), keras.initializers.RandomNormal
        self.given = self.add_weight(name="given", shape=shape, initializer=start(stddev=1.0), autocast=False)
        self.asked = self.add_weight(name="asked", shape=shape, initializer=start(stddev=1.0), autocast=False)
        self.offsets = self.add_weight(
            name="offsets", shape=(self.num_places, num), initializer="zeros", autocast=False
        )
        self.network.build(self.num_places, context_size)

    def log_prob(self, index: tf.Tensor, context: Context = None) -> tf.Tensor:
        """Returns log p(k | c) of indices [B, places] and features [B, F]: float32 [B], in nats."""
        features = by_depth(self.features(index, context), self.depth)
        logits = tf.einsum("bpdw,dkw->bpdk", features, tf.convert_to_tensor(self.asked))
        logits = tf.reshape(logits, [-1, *self.offsets.shape]) + tf.convert_to_tensor(self.offsets)
        return -tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(index, logits), axis=-1)

    def draw(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        """Draws indices [B, places] one by one with the portable generator, as `Prior.sample` draws codes."""
        index = [tf.zeros_like(rows)] * self.num_places  # the network does not see indices that are not drawn yet
        for place in range(self.num_places):
            features = self.features(tf.stack(index, axis=-1), context)[:, place]
            asked = tf.convert_to_tensor(self.asked)[place % self.depth]
            logits = tf.linalg.matmul(features, asked, transpose_b=True) + tf.convert_to_tensor(self.offsets)[place]
            index[place] = random.categorical(seeds, rows, logits, stream=place, temperature=temperature)
        return tf.stack(index, axis=-1)

    def features(self, index: tf.Tensor, context: Context = None) -> tf.Tensor:
        """Returns the vectors [B, places, width] that are compared with the entries' embeddings."""
        if self.context_size and context is None:
            raise ValueError("`condition` must be given, because the codes depend on it. Received: None")
        vectors = tf.reshape(look_up(self.given, index), [-1, self.num_places * self.width])
        return tf.stack(self.network(vectors, context if self.context_size else None), axis=-1)
