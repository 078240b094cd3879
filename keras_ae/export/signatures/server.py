"""Signatures of a SavedModel, for a server."""

import math

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.evaluate.score import outlier_score, score_names, score_terms
from keras_ae.export.signatures.descriptions import MAX_TEMPERATURE
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.signatures.signature import NO_PRIOR, Signature, Signatures
from keras_ae.latents.spaces import Formula
from keras_ae.validation.tensors import guard, require

_MAX_ROWS, _MAX_BYTES = 4096, 1 << 28
_CHANNELS = (1, 3)


def most_rows(model: Autoencoder) -> int:
    """Returns the default for the maximum number of rows per call, whose examples take at most 256 MiB."""
    return min(_MAX_ROWS, max(1, _MAX_BYTES // (4 * math.prod(model.event_shape))))


class ServerSignatures(Signatures):
    """Signatures with a dynamic batch size that reject invalid values with INVALID_ARGUMENT and a message.

    A condition has one row per example, or a single row for all examples.

    Args:
        model: a built model.
        max_num: maximum `num` of `generate`, and maximum number of rows of every other input.
        png: whether to also return PNG files, `png_bytes`.
        quantiles: quantiles of the reference for outlier scores, from `evaluate.score.reference_quantiles`, or `None`.
        detector: a detector whose `score` replaces the model's, or `None`.
    """

    def __init__(
        self,
        model: Autoencoder,
        max_num: int,
        *,
        png: bool = False,
        quantiles: np.ndarray | None = None,
        detector: DetectorSignature | None = None,
    ):
        super().__init__(model, rows=None)
        if png:
            _check_images(model)
        self.max_num, self.png, self.quantiles, self.detector = max_num, png, quantiles, detector
        if model.sampler is None:
            self.omitted = dict.fromkeys(("sample", "generate"), NO_PRIOR)
        if detector is not None:
            return
        if "elbo" not in score_names(model):
            reason = "The model has no KL, because it has no prior or its posterior is a point mass."
            self.omitted |= {"score.elbo": reason, "score.kl": reason}
        if quantiles is None:
            self.omitted["score.outlier_score"] = "There was no reference: saved_model(..., reference=x)."

    def all(self) -> list[Signature]:
        """Returns the signatures, `decode` first; `sample` and `generate` only if the model has a prior."""
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
        return self.outputs(z, self.context(condition, tf.shape(z)[0]))

    def sample(self, seed, *condition):
        """Returns `model.sample(1, condition_i, seed=seed_i)[0]` in row i."""
        seed = self.seeds(self.counted(seed, "seed"))
        context = self.context(condition, tf.shape(seed)[0])
        return self.outputs(self.model.sampler.sample(seed, tf.zeros_like(seed), context), context)

    def generate(self, seed, num, temperature, *condition):
        """Returns `model.sample(num, condition, seed=seed, temperature=temperature)`."""
        seed = self.seeds(seed)
        num = require(num, (num >= 1) & (num <= self.max_num), f"`num` must be in [1, {self.max_num}].")
        fits = (temperature > 0) & (temperature <= MAX_TEMPERATURE)
        temperature = require(temperature, fits, f"`temperature` must be in (0, {MAX_TEMPERATURE:g}].", temperature)
        context = self.context(condition, num)
        codes = self.model.sampler.sample(tf.fill([num], seed), tf.range(num), context, temperature)
        return self.outputs(codes, context)

    def encode(self, x, *condition):
        posterior = self.model.posterior_layer
        params = self.model.posterior_params(*self.example(x, condition))
        outputs = {"z": posterior.mean(params)}
        if Formula.STDDEV in posterior.formulas:
            outputs["scale"] = posterior.exact(params).stddev()
        return outputs

    def reconstruct(self, x, *condition):
        x, context = self.example(x, condition)
        return self.outputs(self.model.posterior_layer.mean(self.model.posterior_params(x, context)), context)

    def score(self, x, *condition):
        if self.detector is not None:
            return self.detector(*self.example(x, condition, self.detector.support))
        scores = score_terms(self.model, *self.example(x, condition))
        return scores if self.quantiles is None else {**scores, "outlier_score": outlier_score(scores, self.quantiles)}

    def outputs(self, codes, context):
        """Decodes codes [B, D] to the outputs of a signature."""
        x = self.mean(codes, context)
        return {"x": x, "png_bytes": encode_png(x)} if self.png else {"x": x}

    def example(self, x, condition, *support):
        """Returns checked examples and the features of their condition; `support` is by default the likelihood's."""
        (support,) = support or (self.model.likelihood_layer.support,)
        x = guard(self.counted(x, "x"), "x", support=support)
        return x, self.context(condition, tf.shape(x)[0])

    def context(self, condition, num):
        """Returns the features [num, F] of a checked condition, or `None`."""
        if self.model.condition is None:
            return None
        rows = [_rows(tensor, num, spec.name) for tensor, spec in zip(condition, self.properties, strict=True)]
        return self.model.condition(self.model.condition.guard(self.values(rows)))

    def counted(self, tensor, name):
        """Checks the number of rows of a batch, which bounds the memory of a server."""
        num = tf.shape(tensor)[0]
        return require(tensor, (num >= 1) & (num <= self.max_num), f"`{name}` must have 1 to {self.max_num} rows.")

    @staticmethod
    def seeds(seed):
        return require(seed, seed >= 0, "`seed` must be in [0, 2**31).")


def _rows(values, num, name):
    """Returns values with `num` rows; a single row is repeated."""
    count = tf.shape(values)[0]
    fits = (count == num) | (count == 1)
    values = require(values, fits, f"`{name}` must have a single row, or one row per example.")
    return tf.broadcast_to(values, [num, *values.shape[1:]])


def _check_images(model):
    """Raises a `ValueError` unless the examples of a model are images in [0, 1]."""
    shape, support = model.event_shape, model.likelihood_layer.support
    if len(shape) not in (2, 3) or _channels(shape) not in _CHANNELS:
        raise ValueError(f"`png` needs images [H, W], [H, W, 1] or [H, W, 3]. Received: examples of shape {shape}")
    if support is None or tuple(support[:2]) != (0.0, 1.0):
        raise ValueError(
            "`png` needs a likelihood of values in [0, 1], such as Bernoulli, for black and white. "
            f"Received: {type(model.likelihood_layer).__name__}"
        )


def encode_png(x):
    """Encodes images in [0, 1], [B, H, W] or [B, H, W, C], as PNG files with 8 bits per value: string tensor [B]."""
    height, width, channels = x.shape[1], x.shape[2], _channels(x.shape[1:])
    levels = tf.saturate_cast(tf.round(255.0 * x), tf.uint8)
    return tf.io.encode_png(tf.reshape(levels, [-1, height, width, channels]))


def _channels(event_shape):
    return event_shape[2] if len(event_shape) == 3 else 1
