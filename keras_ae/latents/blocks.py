"""Codes of several kinds, one after the other: their distribution, and the checks of what they are made of."""

import functools
import itertools

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.checks import check_widths
from keras_ae.latents.posterior import REAL

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
        return self._joined([block.sample(n, seed=own) for block, own in self._seeded(seed)])

    def _sample_and_log_prob(self, sample_shape, seed):
        pairs = [block.experimental_sample_and_log_prob(sample_shape, seed=own) for block, own in self._seeded(seed)]
        return self._joined([z for z, _ in pairs]), sum(log_prob for _, log_prob in pairs)

    def _log_prob(self, z):
        return sum(block.log_prob(part) for block, part in self.split(z))

    def _mean(self):
        return self._joined([block.mean() for block in self.blocks])

    def _stddev(self):
        return self._joined([block.stddev() for block in self.blocks])

    def _sizes(self):
        return [block.event_shape[-1] for block in self.blocks]

    def _seeded(self, seed):
        seeds = tfp.random.split_seed(seed, n=len(self.blocks), salt="blocks")
        return zip(self.blocks, tf.unstack(seeds), strict=True)

    def _joined(self, parts):
        """Samples or statistics of the blocks as one tensor [..., *batch, D]."""
        most = len(self.batch_shape)
        for number, block in enumerate(self.blocks):
            for _ in range(most - len(block.batch_shape)):
                parts[number] = tf.expand_dims(parts[number], len(parts[number].shape) - 1 - len(block.batch_shape))
        leading = functools.reduce(tf.broadcast_dynamic_shape, (tf.shape(part)[:-1] for part in parts))
        parts = [tf.broadcast_to(part, tf.concat([leading, tf.shape(part)[-1:]], axis=0)) for part in parts]
        return tf.concat(parts, axis=-1)


def with_gradients(p):
    """p(z) with draws whose gradients reach all that is to be learned of it."""
    return p.with_gradients() if hasattr(p, "with_gradients") else p


@tfd.RegisterKL(Blocks, Blocks)
def _kl(q, p, name=None):
    """The sum of the divergences of the blocks, which must be as large; each must have a closed form."""
    if [block.event_shape for block in q.blocks] != [block.event_shape for block in p.blocks]:
        raise NotImplementedError("No closed form of a divergence between blocks of other sizes.")
    return sum(tfd.kl_divergence(own, other, name=name) for own, other in zip(q.blocks, p.blocks, strict=True))


def common_parts(q, p):
    """Pairs of parts of two distributions of the same codes, which are cut where both of them have a seam.

    Args:
        q, p: distributions with event shape [D], `Blocks` or others.

    Example:
        >>> pair, alone = (tfd.MultivariateNormalDiag(tf.zeros(size)) for size in (2, 1))
        >>> parts = common_parts(Blocks([pair, pair, alone]), Blocks([alone, alone, pair, alone]))
        >>> [(own.event_shape[0], other.event_shape[0]) for own, other in parts]
        [(2, 2), (2, 2), (1, 1)]
    """
    cuts = [0, *sorted(_by_end(q).keys() & _by_end(p).keys())]
    return [(_between(q, *cut), _between(p, *cut)) for cut in itertools.pairwise(cuts)]


def _by_end(distribution):
    """The blocks of a distribution, by the place in the code where each ends."""
    blocks = distribution.blocks if isinstance(distribution, Blocks) else (distribution,)
    return dict(zip(itertools.accumulate(block.event_shape[-1] for block in blocks), blocks, strict=True))


def _between(distribution, low, high):
    run = [block for end, block in _by_end(distribution).items() if low < end <= high]
    return run[0] if len(run) == 1 else Blocks(run)


class OfParts:
    """For a layer with `parts`, themselves layers, and their `sizes`: its config."""

    def get_config(self):
        parts = [keras.saving.serialize_keras_object(part) for part in self.parts]
        return {**super().get_config(), "parts": parts, "sizes": list(self.sizes)}

    @classmethod
    def from_config(cls, config):
        parts = [keras.saving.deserialize_keras_object(part) for part in config["parts"]]
        return cls(**{**config, "parts": parts})


def check_blocks(parts, sizes, base, fits, wanted):
    """Returns the parts of a code as a list, and how many values each has as a tuple.

    Args:
        parts: a sequence of `base`.
        sizes: a sequence of as many positive integers.
        base: the class of a part.
        fits: function of a part to whether it may be one.
        wanted: what a part must be, for the error message.

    Raises:
        ValueError: for anything else.
    """
    sizes = check_widths("sizes", sizes)
    listed = isinstance(parts, (list, tuple))
    if not listed or len(parts) != len(sizes) or not all(isinstance(part, base) and fits(part) for part in parts):
        names = [type(part).__name__ for part in parts] if listed else parts
        raise ValueError(f"`parts` must be {wanted}, one for each of `sizes`. Received: parts={names}, sizes={sizes}")
    if len({id(part) for part in parts}) < len(parts):
        names = [type(part).__name__ for part in parts]
        raise ValueError(f"`parts` must be as many instances, each given once. Received: one twice, parts={names}")
    return list(parts), sizes


def check_sizes(latent_dim, parts, sizes):
    """Raises a `ValueError` where the sizes are not those of the whole code, or a part cannot have its own."""
    if latent_dim != sum(sizes):
        raise ValueError(f"`latent_dim` must be {sum(sizes)}, the sum of {sizes}. Received: latent_dim={latent_dim}")
    for number, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        try:
            part.check_latent_dim(size)
        except ValueError as error:
            of = f"`parts[{number}]` {type(part).__name__}, whose `latent_dim` is sizes[{number}]={size}"
            raise ValueError(f"{of}: {error}") from None


def space_of_blocks(parts, sizes):
    """What codes are, in words; several real vectors, one after the other, are one."""
    runs = []
    for part, size in zip(parts, sizes, strict=True):
        if runs and runs[-1][1] == part.space == REAL:
            size += runs.pop()[0]
        runs.append((size, part.space))
    return REAL if runs == [(sum(sizes), REAL)] else ", then ".join(f"{size} values of {space}" for size, space in runs)


def family_of_blocks(parts, sizes):
    """A word for the families of all parts and their sizes; `None` where one has none."""
    if any(part.family is None for part in parts):
        return None
    return ", then ".join(f"{size} of {part.family}" for part, size in zip(parts, sizes, strict=True))
