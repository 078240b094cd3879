import tensorflow as tf

from keras_ae.export.signatures import Signature, Signatures


class DeviceSignatures(Signatures):
    """Signatures of static shape with builtin operations only; wrong values give a picture of NaN, not an error.

    Args:
        model: a built `Autoencoder`.
        batch_size: the number of pictures of one call.
    """

    def __init__(self, model, batch_size):
        super().__init__(model, rows=batch_size)

    def all(self):
        """The signatures, `decode` first; `generate` only where the model has a prior."""
        z = self.batched("z", [self.model.latent_dim])
        scalars = [tf.TensorSpec([1], tf.int32, name=name) for name in ("seed", "row")]
        signatures = [Signature("decode", self.decode, [z, *self.properties])]
        if self.model.sampler is not None:
            signatures.append(Signature("generate", self.generate, [*scalars, *self.properties]))
        return signatures

    def decode(self, z, *condition):
        return self._picture(z, self._context(condition))

    def generate(self, seed, row, *condition):
        context = self._context(condition)
        rows = row + tf.range(self.rows)
        return self._picture(self.model.sampler.sample(tf.broadcast_to(seed, [self.rows]), rows, context), context)

    def _context(self, condition):
        return None if self.model.condition is None else self.model.condition(self.values(condition))

    def _picture(self, z, context):
        x = self.mean(z, context)
        inputs = z if context is None else tf.concat([z, context], axis=-1)
        # An int8 kernel turns NaN (of an unknown label, say) into numbers: the output has to say it again. t - t is 0
        # for a number, NaN for NaN and infinity, and costs nothing; comparing and selecting took 4 of 11 us.
        silence = tf.reduce_sum(inputs - inputs, axis=-1)  # [B]
        return {"x": x + tf.reshape(silence, [-1] + [1] * len(self.model.event_shape))}
