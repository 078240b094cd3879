import keras
import tensorflow as tf

from keras_ae.random import stateless_uniform, step_seed

_SMOOTHING = 1e-5


class Codebook(keras.layers.Layer):
    """A codebook: entries that move toward the values assigned to them.

    Args:
        num_codes, code_dim, update, seed: as in `VectorQuantizer`.
        number: index of this codebook in its quantizer.
    """

    def __init__(self, num_codes: int, code_dim: int, *, update: str, seed: int, number: int = 0, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.num_codes, self.code_dim = num_codes, code_dim
        self.update, self.seed, self.number = update, seed, number

    def build(self, input_shape=None):
        options = {"dtype": "float32", "autocast": False, "aggregation": "mean"}
        shape, averages = (self.num_codes, self.code_dim), {**options, "trainable": False}
        self.entries = self.add_weight(
            name="codebook",
            shape=shape,
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            **{**options, "trainable": self.update == "gradient"},
        )
        self.uses = self.add_weight(name="uses", shape=shape[:1], initializer="ones", **averages)
        self.sums = self.add_weight(name="sums", shape=shape, initializer="zeros", **averages)
        self.sums.assign(self.entries)
        counter = {"dtype": "int32", "trainable": False, "aggregation": "only_first_replica"}
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", **counter)

    def call(self, rows):
        """Returns the entries nearest to values [N, code_dim] and their indices: float32 [N, code_dim], int32 [N]."""
        entries = tf.convert_to_tensor(self.entries)
        index = _nearest(rows, entries)
        return tf.gather(entries, index), index

    def learn(
        self,
        rows: tf.Tensor,
        index: tf.Tensor,
        weight: tf.Tensor | None = None,
        *,
        decay: float,
        revive_below: float,
    ) -> None:
        """Updates the moving averages and, with "ema", the entries, and replaces entries that are rarely used.

        Weights are divided by the mean weight of the rows that count, so a common factor has no effect. A batch in
        which no row counts changes nothing.

        Args:
            rows: values [N, code_dim].
            index: indices of their entries [N].
            weight: weight of each value [N]; `None` for equal weights.
            decay, revive_below: as in `VectorQuantizer`.
        """
        if not self.trainable:
            return
        rows = tf.stop_gradient(rows)
        weight = tf.ones_like(rows[:, 0]) if weight is None else weight
        counting = tf.reduce_sum(tf.cast(weight > 0.0, tf.float32))
        counts = counting > 0.0
        use = tf.where(counts, tf.reduce_sum(weight) / tf.maximum(counting, 1.0), 1.0)
        start = tf.where(self.steps == 0, use, 1.0)  # initially each entry counts as used once
        chosen = tf.one_hot(index, self.num_codes) * weight[:, tf.newaxis]  # [N, K]
        uses = decay * start * self.uses + (1 - decay) * tf.reduce_sum(chosen, axis=0)
        sums = decay * start * self.sums + (1 - decay) * tf.linalg.matmul(chosen, rows, transpose_a=True)
        total = tf.reduce_sum(uses)
        # Laplace smoothing: the division by a usage near 0 stays finite.
        little = use * _SMOOTHING
        smoothed = (uses + little) / (total + self.num_codes * little) * total
        entries = sums / smoothed[:, tf.newaxis] if self.update == "ema" else tf.convert_to_tensor(self.entries)
        dead = uses < use * revive_below
        drawn = _draw(weight, self.num_codes, step_seed(self.seed, self.steps, self.number))
        entries = tf.where(dead[:, tf.newaxis], tf.gather(rows, drawn), entries)
        sums = tf.where(dead[:, tf.newaxis], use * entries, sums)
        self.entries.assign(tf.where(counts, entries, self.entries))
        self.uses.assign(tf.where(counts, tf.where(dead, use, uses), self.uses))
        self.sums.assign(tf.where(counts, sums, self.sums))
        self.steps.assign_add(tf.cast(counts, tf.int32))


def _draw(weight, num, seed):
    """Draws row indices in proportion to their weight [N]: int32 [num]."""
    ends = tf.cumsum(weight)
    places = stateless_uniform([num], seed) * ends[-1]
    return tf.minimum(tf.searchsorted(ends, places, side="right"), tf.shape(ends)[0] - 1)


def _nearest(rows, entries):
    """Returns the index of the nearest entry of each row: int32 [N]."""
    # Far from the origin, the squares would lose the digits that tell the entries apart.
    center = tf.reduce_mean(entries, axis=0)
    rows, entries = rows - center, entries - center
    products = tf.linalg.matmul(rows, entries, transpose_b=True)
    # |row|^2 is the same for all entries.
    return tf.argmin(tf.reduce_sum(entries**2, axis=-1) - 2.0 * products, axis=-1, output_type=tf.int32)


def look_up(tables: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Looks up rows of tables [depth, K, W] by indices [B, places * depth]: [B, places * depth, W]."""
    depth, num, width = tables.shape
    flat = tf.reshape(tf.convert_to_tensor(tables), [depth * num, width])
    return tf.gather(flat, index + num * (tf.range(index.shape[-1]) % depth))


def by_depth(values: tf.Tensor, depth: int) -> tf.Tensor:
    """Reshapes [B, places * depth, W] to [B, places, depth, W]."""
    return tf.reshape(values, [-1, values.shape[1] // depth, depth, values.shape[-1]])


def codes_of(index: tf.Tensor, codebooks: tf.Tensor) -> tf.Tensor:
    """Decodes indices [B, places * depth] to codes [B, D]: sums over the codebooks [depth, K, code_dim]."""
    depth, _, code_dim = codebooks.shape
    found = tf.reduce_sum(by_depth(look_up(codebooks, index), depth), axis=2)
    return tf.reshape(found, [-1, index.shape[-1] // depth * code_dim])
