import tensorflow as tf

from keras_ae.export.signatures import Signature, Signatures
from keras_ae.guards import guard, require


class ServerSignatures(Signatures):
    """Signatures with a dynamic batch that refuse wrong values: INVALID_ARGUMENT and a sentence, never a wrong picture.

    A condition has one row an example, or a single row that holds for all of them.

    Args:
        model: a built `Autoencoder`.
        max_num: the largest `num` that `generate` takes.
    """

    def __init__(self, model, max_num):
        super().__init__(model, rows=None)
        self.max_num = max_num

    def all(self):
        """The signatures, `decode` first; `generate` only where the model has a prior."""
        model = self.model
        scalars = [tf.TensorSpec([], tf.int32, name=name) for name in ("seed", "num")]
        z, x = self.batched("z", [model.latent_dim]), self.batched("x", model.event_shape)
        signatures = [
            Signature("decode", self.decode, [z, *self.properties]),
            Signature("generate", self.generate, [*scalars, *self.properties]),
            Signature("encode", self.encode, [x, *self.properties]),
            Signature("reconstruct", self.reconstruct, [x, *self.properties]),
        ]
        return [signature for signature in signatures if signature.name != "generate" or model.sampler is not None]

    def decode(self, z, *condition):
        z = guard(z, "z")
        return {"x": self.mean(z, self.context(condition, tf.shape(z)[0]))}

    def generate(self, seed, num, *condition):
        seed = require(seed, seed >= 0, "`seed` must be in [0, 2**31).")
        num = require(num, (num >= 1) & (num <= self.max_num), f"`num` must be in [1, {self.max_num}].")
        context = self.context(condition, num)
        codes = self.model.sampler.sample(tf.fill([num], seed), tf.range(num), context)
        return {"x": self.mean(codes, context)}

    def encode(self, x, *condition):
        posterior = self.model.posterior_layer
        params = self.model.posterior_params(*self.example(x, condition))
        outputs = {"z": posterior.mean(params)}
        if posterior.has_scale:
            outputs["scale"] = posterior.distribution(params).stddev()
        return outputs

    def reconstruct(self, x, *condition):
        x, context = self.example(x, condition)
        codes = self.model.posterior_layer.mean(self.model.posterior_params(x, context))
        return {"x": self.mean(codes, context)}

    def example(self, x, condition):
        """Checked examples and the features of their condition."""
        x = guard(x, "x", support=self.model.likelihood_layer.support)
        return x, self.context(condition, tf.shape(x)[0])

    def context(self, condition, num):
        """The features of a checked condition, [num, F]; `None` where the model has none."""
        if self.model.condition is None:
            return None
        rows = [_rows(tensor, num, spec.name) for tensor, spec in zip(condition, self.properties, strict=True)]
        return self.model.condition(self.model.condition.guard(self.values(rows)))


def _rows(values, num, name):
    """Values with `num` rows: as they are, or a single row repeated."""
    count = tf.shape(values)[0]
    fits = (count == num) | (count == 1)
    values = require(values, fits, f"`{name}` must have a single row, or one row an example.")
    return tf.broadcast_to(values, tf.concat([[num], tf.shape(values)[1:]], axis=0))
