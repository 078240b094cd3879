"""Probes: calls of the signatures, with what the model itself answers, for `verify` to compare."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_ae.checks import Support
from keras_ae.conditions import Categorical, Continuous
from keras_ae.evaluate.score import outlier_score, score
from keras_ae.random import MAX_SEED


class Probe(NamedTuple):
    """One call: the signature, its inputs {name: array} and the outputs {name: array} of the model."""

    signature: str
    inputs: dict
    outputs: dict

    def size(self, output):
        """What the error of an output is measured by: its largest value."""
        # A rate near 0 is what is left of larger numbers, and so is an elbo.
        nats = ("elbo", "rate", "distortion")
        names = nats if output in nats else [output]
        return max(np.abs(self.outputs[name]).max() for name in names if name in self.outputs)


def server_probes(model, *, most_rows=3, png=False, quantiles=None):
    """Calls of the signatures of a SavedModel; the first is `decode` of a single code.

    Args:
        model: a built `Autoencoder`.
        most_rows: what the signatures take; three are enough.
        png, quantiles: those of the `ServerSignatures`.
    """
    rows = min(3, most_rows)
    with tf.device("CPU:0"):  # where the other process runs: a GPU rounds in other places
        single, (z, condition) = _rows(model, 1), _rows(model, rows)
        named = _named(condition)
        probes = [_decode(model, *single), _decode(model, z, condition)]
        support = model.likelihood_layer.support
        x = probes[1].outputs["x"]  # such data as the model knows
        x = np.round(x) if support is not None and Support(*support).whole else x
        probes.append(_probe("encode", {"x": x, **named}, _encode(model, x, condition)))
        probes.append(_probe("reconstruct", {"x": x, **named}, {"x": model.reconstruct(x, condition)}))
        probes.append(_probe("score", {"x": x, **named}, _score(model, x, condition, quantiles)))
        if model.sampler is not None:
            probes += [_sample(model, [7, MAX_SEED, 7][:rows], condition)]
            probes += [
                _generate(model, 7, rows, 1.0, condition),
                _generate(model, MAX_SEED, min(2, rows), 0.5, single[1]),
            ]
    return [_with_png(probe) for probe in probes] if png else probes


def device_probes(model, batch_size):
    """Calls of the signatures of a .tflite file; the first is `decode`."""
    probes = []
    with tf.device("CPU:0"):
        for offset, seed in enumerate((7, 7, MAX_SEED)):
            z, condition = _rows(model, batch_size, offset)
            probes.append(_decode(model, z, condition))
            if model.sampler is not None:
                probes.append(_generate_rows(model, seed, offset * batch_size, condition, batch_size))
    return probes


def _probe(signature, inputs, outputs):
    """A probe of arrays, if the answers of the model are worth comparing."""
    inputs, outputs = ({name: np.asarray(value) for name, value in table.items()} for table in (inputs, outputs))
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"`model` must give finite numbers. Received: NaN or infinity in `{name}` of `{signature}`"
            )
    return Probe(signature, inputs, outputs)


def _decode(model, z, condition):
    return _probe("decode", {"z": z, **_named(condition)}, {"x": model.decode(z, condition)})


def _encode(model, x, condition):
    outputs = {"z": model.encode(x, condition)}
    if model.posterior_layer.has_scale:
        outputs["scale"] = model.posterior(x, condition).stddev()
    return outputs


def _score(model, x, condition, quantiles):
    outputs = score(model, x, condition)
    return outputs if quantiles is None else {**outputs, "outlier_score": outlier_score(outputs, quantiles)}


def _sample(model, seeds, condition):
    """A call of the server's `sample`, with a condition of as many rows as there are seeds."""
    x = np.concatenate([model.sample(1, _row(condition, i), seed=seed) for i, seed in enumerate(seeds)])
    return _probe("sample", {"seed": np.int32(seeds), **_named(condition)}, {"x": x})


def _generate(model, seed, num, temperature, condition):
    """A call of the server's `generate`, with a condition of `num` rows or of a single one."""
    scalars = {"seed": np.int32(seed), "num": np.int32(num), "temperature": np.float32(temperature)}
    x = model.sample(num, _extend(condition, num), seed=seed, temperature=temperature)
    return _probe("generate", {**scalars, **_named(condition)}, {"x": x})


def _generate_rows(model, seed, row, condition, batch_size):
    """A call of the device's `generate`: pictures `row` to `row + batch_size` of a seed."""
    inputs = {"seed": np.int32([seed]), "row": np.int32([row]), **_named(condition)}
    num = row + batch_size
    return _probe("generate", inputs, {"x": model.sample(num, _extend(condition, num), seed=seed)[row:]})


def _with_png(probe):
    """The probe of a signature that gives PNG files too: their values are levels of 256."""
    if "x" not in probe.outputs:
        return probe
    levels = np.round(255.0 * probe.outputs["x"]).astype(np.uint8)
    levels = levels.reshape([*levels.shape[:3], -1])  # [B, H, W, C]
    return probe._replace(outputs={**probe.outputs, "png_bytes": levels})


def _row(condition, i):
    return None if condition is None else tf.nest.map_structure(lambda values: values[i : i + 1], condition)


def _extend(condition, num):
    """The condition with copies of its first row before the others, `num` rows in all."""
    if condition is None:
        return None
    return tf.nest.map_structure(
        lambda values: np.concatenate([np.repeat(values[:1], num - len(values), axis=0), values]), condition
    )


def _rows(model, num, offset=0):
    """Codes [num, D] and values of the condition that the model may well meet."""
    generator = np.random.default_rng(offset)
    z = generator.standard_normal([num, model.latent_dim]).astype(np.float32)
    if model.condition is None:
        return z, None
    parts = getattr(model.condition, "properties", None)
    if parts is None:
        return z, _values(model.condition, num, offset, generator)
    return z, {name: _values(part, num, offset, generator) for name, part in parts.items()}


def _values(part, num, offset, generator):
    ((dtype, shape),) = part.specs().values()
    if isinstance(part, Categorical):
        return ((np.arange(num) + offset) % part.num_classes).astype(dtype)
    values = generator.standard_normal([num, part.size])
    if isinstance(part, Continuous):
        values = part.loc.numpy() + part.scale.numpy() * values
    return values.reshape([num, *shape]).astype(dtype)


def _named(condition):
    if condition is None:
        return {}
    return dict(condition) if isinstance(condition, dict) else {"condition": condition}
