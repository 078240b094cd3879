"""The joint distribution of concatenated codes of several kinds."""

import functools
from collections.abc import Iterator, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import Distribution, tfd
from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.distributions.normals import LearnedMixture
from keras_ae.latents.distributions.one_hots import RelaxedOneHots


class Blocks(Distribution):
    """Concatenated independent vectors: log p(z) = sum_i log p_i(z_i).

    Like `tfd.Blockwise`, with a standard deviation and with blocks of different batch shapes.

    Args:
        blocks: list of distributions of vectors.
    """

    def __init__(self, blocks: Sequence[tfd.Distribution], name: str = "Blocks"):
        parameters = dict(locals())
        self.blocks = tuple(blocks)
        kinds = {block.reparameterization_type for block in self.blocks}
        super().__init__(parameters, kinds.pop() if len(kinds) == 1 else tfd.NOT_REPARAMETERIZED)

    def with_gradients(self) -> "Blocks":
        """The same distribution, with draws whose gradients reach the weights of blocks that are mixtures."""
        return Blocks([with_gradients(block) for block in self.blocks])

    def exact(self) -> "Blocks":
        """The same distribution, with one-hot vectors in place of relaxed ones."""
        return Blocks([exact(block) for block in self.blocks])

    def __getitem__(self, slices):
        # A block without the batch axes of the others is broadcast over them.
        rank = self.batch_shape.rank
        return Blocks([block[slices] if block.batch_shape.rank == rank else block for block in self.blocks])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"blocks": tfp.util.BatchedComponentProperties(event_ndims=lambda self: [0 for _ in self.blocks])}

    def split(self, z: tf.Tensor) -> Iterator[tuple[tfd.Distribution, tf.Tensor]]:
        """Yields each block with its part of codes [..., D]."""
        return zip(self.blocks, tf.split(z, self._sizes(), axis=-1), strict=True)

    def _batch_shape(self):
        return functools.reduce(tf.broadcast_static_shape, (block.batch_shape for block in self.blocks))

    def _batch_shape_tensor(self):
        return functools.reduce(tf.broadcast_dynamic_shape, (block.batch_shape_tensor() for block in self.blocks))

    def _event_shape(self):
        return tf.TensorShape([sum(self._sizes())])

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
        """Returns the sample shape for a block: it draws separately for each batch axis that it lacks."""
        missing = len(self.batch_shape) - len(block.batch_shape)
        if not missing:
            return sample_shape
        return tf.concat([tf.reshape(sample_shape, [-1]), self.batch_shape_tensor()[:missing]], axis=0)

    def _joined(self, parts):
        """Concatenates a statistic of the blocks to [*batch, D]."""
        batch = self.batch_shape_tensor()
        parts = [tf.broadcast_to(part, tf.concat([batch, part.shape[-1:]], axis=0)) for part in parts]
        return tf.concat(parts, axis=-1)


def with_gradients(p: tfd.Distribution) -> tfd.Distribution:
    """Returns p(z) with draws whose gradients reach all its weights."""
    return p.with_gradients() if isinstance(p, (Blocks, Hierarchy, LearnedMixture)) else p


def exact(q: tfd.Distribution) -> tfd.Distribution:
    """Returns q(z|x) with one-hot vectors in place of relaxed ones, which have no closed-form mean or covariance."""
    return q.exact() if isinstance(q, (Blocks, RelaxedOneHots)) else q


@tfd.RegisterKL(Blocks, Blocks)
def _kl(q, p, name=None):
    """Sums the KL divergences of the blocks, which need equal sizes and closed forms."""
    return sum(tfd.kl_divergence(own, other, name=name) for own, other in pairs(q, p))


def pairs(q: tfd.Distribution, p: tfd.Distribution) -> list[tuple[tfd.Distribution, tfd.Distribution]]:
    """Pairs the blocks of two distributions over the same codes.

    A distribution that is not made of blocks is one block.

    Args:
        q, p: distributions with event shape [D], `Blocks` or others.

    Raises:
        ValueError: if the sizes of the blocks differ.

    Example:
        >>> pair, alone = (tfd.MultivariateNormalTriL(tf.zeros(size)) for size in (2, 1))
        >>> [own.event_shape[0] for own, _ in pairs(Blocks([pair, alone]), Blocks([pair, alone]))]
        [2, 1]
    """
    blocks = [each.blocks if isinstance(each, Blocks) else (each,) for each in (q, p)]
    sizes = [[block.event_shape[-1] for block in each] for each in blocks]
    if sizes[0] != sizes[1]:
        raise ValueError(f"Blocks must have equal sizes. Received: {sizes[0]} and {sizes[1]}")
    return list(zip(*blocks, strict=True))
