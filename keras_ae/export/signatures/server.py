"""Signatures of a SavedModel, for a server."""

import math

import tensorflow as tf

from keras_ae.evaluate.score import outlier_score, score_names, score_terms
from keras_ae.export.signatures.descriptions import HOTTEST
from keras_ae.export.signatures.signature import NO_PRIOR, Signature, Signatures
from keras_ae.latents.spaces import Formula
from keras_ae.validation.tensors import guard, require

_MOST_ROWS, _MOST_BYTES = 4096, 1 << 28
_CHANNELS = (1, 3)


def most_rows(model):
    """The most rows of a call, unless the user says otherwise: their examples take 256 MiB at most."""
    return min(_MOST_ROWS, max(1, _MOST_BYTES // (4 * math.prod(model.event_shape))))


class ServerSignatures(Signatures):
    """Signatures with a dynamic batch that refuse wrong values: INVALID_ARGUMENT and a sentence, never a wrong picture.

    A condition has one row an example, or a single row that holds for all of them.

    Args:
        model: a built `Autoencoder`.
        max_num: the largest `num` that `generate` takes, and the most rows of every other input.
        png: whether pictures are also given as PNG files, `png_bytes`.
        quantiles: float32 array of `evaluate.score.reference_quantiles`, which outlier scores compare with, or `None`.
    """

    def __init__(self, model, max_num, *, png=False, quantiles=None):
        super().__init__(model, rows=None)
        if png:
            check_pictures(model)
        self.max_num, self.png, self.quantiles = max_num, png, quantiles
        if model.sampler is None:
            self.omitted = dict.fromkeys(("sample", "generate"), NO_PRIOR)
        if "elbo" not in score_names(model):
            reason = "The model has no KL: it has no prior, or its posterior is a point."
            self.omitted |= {"score.elbo": reason, "score.kl": reason}
        if quantiles is None:
            self.omitted["score.outlier_score"] = "There was nothing to compare with: saved_model(..., reference=x)."

    def all(self):
        """The signatures, `decode` first; `sample` and `generate` only where the model has a prior."""
        model = self.model
        seed, num = (tf.TensorSpec([], tf.int32, name=name) for name in ("seed", "num"))
        seeds, temperature = tf.TensorSpec([None], tf.int32, name="seed"), tf.TensorSpec([], name="temperature")
        z, x = self.batched("z", [model.latent_dim]), self.batched("x", model.event_shape)
        inputs = {
            "decode": [z],
            "sample": [seeds],
            "generate": [seed, num, temperature],
            "encode": [x],
            "reconstruct": [x],
            "score": [x],
        }
        return [
            Signature(name, getattr(self, name), [*specs, *self.properties])
            for name, specs in inputs.items()
            if name not in self.omitted
        ]

    def decode(self, z, *condition):
        z = guard(self.counted(z, "z"), "z")
        return self.pictures(z, self.context(condition, tf.shape(z)[0]))

    def sample(self, seed, *condition):
        """Row i is the picture `model.sample(1, condition_i, seed=seed_i)[0]`."""
        seed = self.seeds(self.counted(seed, "seed"))
        context = self.context(condition, tf.shape(seed)[0])
        return self.pictures(self.model.sampler.sample(seed, tf.zeros_like(seed), context), context)

    def generate(self, seed, num, temperature, *condition):
        """The pictures `model.sample(num, condition, seed=seed, temperature=temperature)`."""
        seed = self.seeds(seed)
        num = require(num, (num >= 1) & (num <= self.max_num), f"`num` must be in [1, {self.max_num}].")
        fits = (temperature > 0) & (temperature <= HOTTEST)
        temperature = require(temperature, fits, f"`temperature` must be in (0, {HOTTEST:g}].", temperature)
        context = self.context(condition, num)
        codes = self.model.sampler.sample(tf.fill([num], seed), tf.range(num), context, temperature)
        return self.pictures(codes, context)

    def encode(self, x, *condition):
        posterior = self.model.posterior_layer
        params = self.model.posterior_params(*self.example(x, condition))
        outputs = {"z": posterior.mean(params)}
        if Formula.STDDEV in posterior.formulas:
            outputs["scale"] = posterior.exact(params).stddev()
        return outputs

    def reconstruct(self, x, *condition):
        x, context = self.example(x, condition)
        return self.pictures(self.model.posterior_layer.mean(self.model.posterior_params(x, context)), context)

    def score(self, x, *condition):
        scores = score_terms(self.model, *self.example(x, condition))
        return scores if self.quantiles is None else {**scores, "outlier_score": outlier_score(scores, self.quantiles)}

    def pictures(self, codes, context):
        """What is decoded from codes [B, D], as every signature gives it."""
        x = self.mean(codes, context)
        return {"x": x, "png_bytes": encode_png(x)} if self.png else {"x": x}

    def example(self, x, condition):
        """Checked examples and the features of their condition."""
        x = guard(self.counted(x, "x"), "x", support=self.model.likelihood_layer.support)
        return x, self.context(condition, tf.shape(x)[0])

    def context(self, condition, num):
        """The features of a checked condition, [num, F]; `None` where the model has none."""
        if self.model.condition is None:
            return None
        rows = [_rows(tensor, num, spec.name) for tensor, spec in zip(condition, self.properties, strict=True)]
        return self.model.condition(self.model.condition.guard(self.values(rows)))

    def counted(self, tensor, name):
        """A batch with a checked number of rows: a server should not be asked for more memory than it has."""
        num = tf.shape(tensor)[0]
        return require(tensor, (num >= 1) & (num <= self.max_num), f"`{name}` must have 1 to {self.max_num} rows.")

    @staticmethod
    def seeds(seed):
        """Checked seeds."""
        return require(seed, seed >= 0, "`seed` must be in [0, 2**31).")


def _rows(values, num, name):
    """Values with `num` rows: as they are, or a single row repeated."""
    count = tf.shape(values)[0]
    fits = (count == num) | (count == 1)
    values = require(values, fits, f"`{name}` must have a single row, or one row an example.")
    return tf.broadcast_to(values, [num, *values.shape[1:]])


def check_pictures(model):
    """Raises a `ValueError` where the examples of a model are no pictures, or have no black and white."""
    shape, support = model.event_shape, model.likelihood_layer.support
    if len(shape) not in (2, 3) or _channels(shape) not in _CHANNELS:
        raise ValueError(f"`png` needs images [H, W], [H, W, 1] or [H, W, 3]. Received: examples of shape {shape}")
    if support is None or tuple(support[:2]) != (0.0, 1.0):
        raise ValueError(
            "`png` needs a likelihood of values in [0, 1], such as Bernoulli: 0 is black, 1 white. "
            f"Received: {type(model.likelihood_layer).__name__}"
        )


def encode_png(x):
    """PNG files with 8 bits a value of pictures in [0, 1], [B, H, W] or [B, H, W, C]: string tensor [B]."""
    height, width, channels = x.shape[1], x.shape[2], _channels(x.shape[1:])
    levels = tf.saturate_cast(tf.round(255.0 * x), tf.uint8)
    return tf.io.encode_png(tf.reshape(levels, [-1, height, width, channels]))


def _channels(event_shape):
    return event_shape[2] if len(event_shape) == 3 else 1
