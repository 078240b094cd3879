"""The distribution of codes of several kinds, one after the other, and what two of them have in common."""

import functools
import itertools

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.distributions.normals import are_normals, normals
from keras_ae.latents.distributions.one_hots import OneHots, RelaxedOneHots

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
@tfd.RegisterKL(Blocks, tfd.Distribution)
@tfd.RegisterKL(tfd.Distribution, Blocks)
def _kl(q, p, name=None):
    """The sum of the divergences of what both have in common, which must have a closed form each."""
    parts = common_parts(q, p)
    if any(isinstance(part, Blocks) for part in itertools.chain(*parts)):
        raise NotImplementedError("No closed form of a divergence between blocks of other sizes.")
    return sum(tfd.kl_divergence(own, other, name=name) for own, other in parts)


def common_parts(q, p):
    """Pairs of parts of two distributions of the same codes: each is cut where the other has a seam, if it can be.

    Independent normal values can be cut anywhere, one-hot vectors between two of them, and no other distribution.

    Args:
        q, p: distributions with event shape [D], `Blocks` or others.

    Example:
        >>> pair, alone = (tfd.MultivariateNormalTriL(tf.zeros(size)) for size in (2, 1))
        >>> parts = common_parts(Blocks([pair, pair, alone]), Blocks([alone, alone, pair, alone]))
        >>> [own.event_shape[0] for own, _ in parts]
        [2, 2, 1]
        >>> parts = common_parts(Blocks([alone, pair]), normals(tf.zeros(3), 1.0))
        >>> [own.event_shape[0] for own, _ in parts]
        [1, 2]
    """
    cuts = sorted(_ends(q) & _seams(p) | _ends(p) & _seams(q))
    return [(_between(q, *cut), _between(p, *cut)) for cut in itertools.pairwise([0, *cuts])]


def _placed(distribution):
    """Where each block begins and ends in the code, and the block."""
    blocks = distribution.blocks if isinstance(distribution, Blocks) else (distribution,)
    places = itertools.accumulate((block.event_shape[-1] for block in blocks), initial=0)
    return [(*place, block) for place, block in zip(itertools.pairwise(places), blocks, strict=True)]


def _ends(distribution):
    return {end for _, end, _ in _placed(distribution)}


def _seams(distribution):
    """Wherever a distribution can be cut, its end among them."""
    return {place for low, high, block in _placed(distribution) for place in range(high, low, -_grain(block))}


def _grain(block):
    if isinstance(block, OneHots):
        return block.logits.shape[-1]
    return 1 if are_normals(block) else block.event_shape[-1]


def _cut(block, low, high):
    if isinstance(block, OneHots):
        return block.variables(low // _grain(block), high // _grain(block))
    return normals(block.mean()[..., low:high], block.stddev()[..., low:high])


def _between(distribution, low, high):
    """The distribution of the values from `low` to `high`, between two of the seams."""
    pieces = [
        block if low <= start and end <= high else _cut(block, max(low - start, 0), min(high, end) - start)
        for start, end, block in _placed(distribution)
        if start < high and low < end
    ]
    if len(pieces) == 1:
        return pieces[0]
    whole = Blocks(pieces)
    return normals(whole.mean(), whole.stddev()) if all(map(are_normals, pieces)) else whole
