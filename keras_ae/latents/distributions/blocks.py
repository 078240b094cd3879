"""The distribution of codes of several kinds, one after the other."""

import functools

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.distributions.one_hots import RelaxedOneHots

tfd = tfp.distributions


class Blocks(tfd.Distribution):
    """Independent vectors, one after the other: log p(z) = sum_i log p_i(z_i).

    It is what `tfd.Blockwise` is, but has a standard deviation, and blocks of other batch shapes.

    Args:
        blocks: list of distributions of vectors.
    """

    def __init__(self, blocks, name="Blocks"):
        parameters = dict(locals())
        self.blocks = tuple(blocks)
        kinds = {block.reparameterization_type for block in self.blocks}
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=kinds.pop() if len(kinds) == 1 else tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def with_gradients(self):
        """The same, with draws whose gradients reach the shares of those blocks that are mixtures."""
        return Blocks([with_gradients(block) for block in self.blocks])

    def exact(self):
        """The same, with one-hot vectors in place of relaxed ones."""
        return Blocks([exact(block) for block in self.blocks])

    def __getitem__(self, slices):
        # A block without the batch axes that others have is the same for all of them.
        rank = self.batch_shape.rank
        return Blocks([block[slices] if block.batch_shape.rank == rank else block for block in self.blocks])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"blocks": tfp.util.BatchedComponentProperties(event_ndims=lambda self: [0 for _ in self.blocks])}

    def split(self, z):
        """Pairs of a block and its values of codes [..., D]."""
        return zip(self.blocks, tf.split(z, self._sizes(), axis=-1), strict=True)

    def _batch_shape(self):
        return functools.reduce(tf.broadcast_static_shape, (block.batch_shape for block in self.blocks))

    def _batch_shape_tensor(self):
        return functools.reduce(tf.broadcast_dynamic_shape, (block.batch_shape_tensor() for block in self.blocks))

    def _event_shape(self):
        return tf.TensorShape([sum(self._sizes())])

    def _event_shape_tensor(self):
        return tf.constant([sum(self._sizes())])

    def _sample_n(self, n, seed=None):
        return tf.concat([block.sample(self._drawn(n, block), seed=own) for block, own in self._seeded(seed)], axis=-1)

    def _sample_and_log_prob(self, sample_shape, seed):
        pairs = [
            block.experimental_sample_and_log_prob(self._drawn(sample_shape, block), seed=own)
            for block, own in self._seeded(seed)
        ]
        return tf.concat([z for z, _ in pairs], axis=-1), sum(log_prob for _, log_prob in pairs)

    def _log_prob(self, z):
        return sum(block.log_prob(part) for block, part in self.split(z))

    def _mean(self):
        return self._joined([block.mean() for block in self.blocks])

    def _stddev(self):
        return self._joined([block.stddev() for block in self.blocks])

    def _mode(self):
        return self._joined([block.mode() for block in self.blocks])

    def _covariance(self):
        parts = [tf.linalg.LinearOperatorFullMatrix(block.covariance()) for block in self.blocks]
        return tf.linalg.LinearOperatorBlockDiag(parts).to_dense()

    def _entropy(self):
        return sum(block.entropy() for block in self.blocks)

    def _sizes(self):
        return [block.event_shape[-1] for block in self.blocks]

    def _seeded(self, seed):
        seeds = tfp.random.split_seed(seed, n=len(self.blocks), salt="blocks")
        return zip(self.blocks, tf.unstack(seeds), strict=True)

    def _drawn(self, sample_shape, block):
        """What to draw of a block: it has samples of its own for each distribution of a batch that it does not have."""
        missing = len(self.batch_shape) - len(block.batch_shape)
        if not missing:
            return sample_shape
        return tf.concat([tf.reshape(sample_shape, [-1]), self.batch_shape_tensor()[:missing]], axis=0)

    def _joined(self, parts):
        """Statistics of the blocks as one tensor [*batch, D]."""
        batch = self.batch_shape_tensor()
        parts = [tf.broadcast_to(part, tf.concat([batch, part.shape[-1:]], axis=0)) for part in parts]
        return tf.concat(parts, axis=-1)


def with_gradients(p):
    """p(z) with draws whose gradients reach all that is to be learned of it."""
    return p.with_gradients() if hasattr(p, "with_gradients") else p


def exact(q):
    """q(z|x) with one-hot vectors in place of relaxed ones, whose mean and covariance have no formula."""
    return q.exact() if isinstance(q, (Blocks, RelaxedOneHots)) else q


@tfd.RegisterKL(Blocks, Blocks)
def _kl(q, p, name=None):
    """The sum of the divergences of the blocks, which must be of the same sizes and have a closed form each."""
    return sum(tfd.kl_divergence(own, other, name=name) for own, other in pairs(q, p))


def pairs(q, p):
    """The blocks of two distributions of the same codes, one beside the other: a list of pairs.

    A distribution that is not made of blocks is one block.

    Args:
        q, p: distributions with event shape [D], `Blocks` or others.

    Raises:
        ValueError: where their blocks are not of the same sizes.

    Example:
        >>> pair, alone = (tfd.MultivariateNormalTriL(tf.zeros(size)) for size in (2, 1))
        >>> [own.event_shape[0] for own, _ in pairs(Blocks([pair, alone]), Blocks([pair, alone]))]
        [2, 1]
    """
    blocks = [each.blocks if isinstance(each, Blocks) else (each,) for each in (q, p)]
    sizes = [[block.event_shape[-1] for block in each] for each in blocks]
    if sizes[0] != sizes[1]:
        raise ValueError(f"Blocks must be of the same sizes. Received: {sizes[0]} and {sizes[1]}")
    return list(zip(*blocks, strict=True))
