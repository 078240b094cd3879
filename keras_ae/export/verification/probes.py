"""Probes: calls of the signatures, with the model's outputs, for `compare`."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical, Continuous
from keras_ae.evaluate.score import outlier_score, score
from keras_ae.export.card.probe_file import Probe
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE
from keras_ae.latents.distributions.blocks import exact
from keras_ae.latents.spaces import Formula
from keras_ae.random import MAX_SEED
from keras_ae.validation.arguments import Support

_EVALUATED = 1000
_ENCODED = 64


def server_probes(
    model: Autoencoder,
    *,
    most_rows: int = 3,
    png: bool = False,
    quantiles: np.ndarray | None = None,
    detector: DetectorSignature | None = None,
) -> list[Probe]:
    """Returns calls of the signatures of a SavedModel; the first is `decode` of a single code.

    Args:
        model: a built model.
        most_rows: maximum number of rows per call.
        png, quantiles, detector: as in `ServerSignatures`.
    """
    rows = min(3, most_rows)
    with tf.device("CPU:0"):  # as in the separate process: a GPU rounds differently
        single, (z, condition) = plausible(model, 1), plausible(model, rows)
        inputs = named(condition)
        probes = [_decode(model, *single), _decode(model, z, condition)]
        x = like_data(model, probes[1].outputs["x"])
        probes.append(_probe("encode", {"x": x, **inputs}, _encode(model, x, condition)))
        probes.append(_probe("reconstruct", {"x": x, **inputs}, {"x": model.reconstruct(x, condition)}))
        if detector is None:
            probes.append(_probe("score", {"x": x, **inputs}, _score(model, x, condition, quantiles)))
        else:
            probes.append(_detector_probe(detector, x, condition))
        if model.sampler is not None:
            probes += [_sample(model, [7, MAX_SEED, 7][:rows], condition)]
            probes += [
                _generate(model, 7, rows, 1.0, condition),
                _generate(model, MAX_SEED, min(2, rows), 0.5, single[1]),
            ]
    return [_with_png(probe) for probe in probes] if png else probes


def device_probes(
    model: Autoencoder,
    batch_size: int,
    *,
    names: list[str],
    examples: Any = None,
    detector: DetectorSignature | None = None,
) -> list[Probe]:
    """Returns calls of the signatures of a .tflite file; the last has a thousand rows, for the evaluation.

    Args:
        model: a built model.
        batch_size: number of rows per call.
        names: the signatures; the first is the first probe, and the one to evaluate.
        examples: `RealExamples` to encode and for their conditions, or `None`.
        detector: the detector that `score` computes, or `None`.
    """
    probes = []
    with tf.device("CPU:0"):
        for offset, seed in enumerate((7, 7, MAX_SEED)):
            z, condition = _likely_codes(model, batch_size, examples, offset)
            if "decode" in names:
                probes.append(_decode(model, z, condition))
            if "generate" in names:
                probes.append(_generate_rows(model, seed, offset * batch_size, condition, batch_size))
        for name in ("encode", "reconstruct", "score"):
            if name in names:
                probes.append(_encoder_probe(model, name, whole_calls(_ENCODED, batch_size), examples, detector))
        num = whole_calls(_EVALUATED, batch_size)
        if names[0] == "decode":
            probes.append(_decode(model, *_likely_codes(model, num, examples)))
        elif names[0] == "generate":
            probes.append(_generate_all(model, condition_of(model, examples, num), num, batch_size))
        else:
            probes.append(_encoder_probe(model, names[0], num, examples, detector))
    return probes


def whole_calls(num: int, batch_size: int) -> int:
    """Returns the smallest multiple of `batch_size` that is at least `num`."""
    return -(-num // batch_size) * batch_size


def condition_of(model: Autoencoder, examples: Any, num: int, offset: int = 0) -> Any:
    """Returns `num` values of the condition, from examples or plausible ones; `None` for an unconditional model."""
    return plausible(model, num, offset)[1] if examples is None else examples.spread(num).condition


def like_data(model: Autoencoder, x: Any) -> np.ndarray:
    """Returns means as data: counts are rounded."""
    support = model.likelihood_layer.support
    x = np.asarray(x)
    return np.round(x) if support is not None and Support(*support).whole else x


def _likely_codes(model, num, examples, seed=0):
    """Returns codes and their condition: from the prior, from examples, or standard normal."""
    condition = condition_of(model, examples, num, seed)
    if model.sampler is not None:
        return model.sample_codes(num, condition, seed=seed), condition
    if examples is not None:
        return model.encode(examples.spread(num).x, condition), condition
    return plausible(model, num, seed)


def _encoder_probe(model, name, num, examples, detector):
    """Returns a call of `encode`, `reconstruct` or `score`, with examples or decoded codes."""
    z, condition = _likely_codes(model, num, examples)
    x = like_data(model, model.decode(z, condition)) if examples is None else examples.spread(num).x
    if name == "score":
        return _detector_probe(detector, x, condition)
    outputs = _encode(model, x, condition) if name == "encode" else {"x": model.reconstruct(x, condition)}
    return _probe(name, {"x": x, **named(condition)}, outputs)


def _detector_probe(detector, x, condition):
    """Returns a call of a detector's `score`, with examples of its model that are partly changed."""
    x = detector.examples(x)
    outputs, tolerances = detector.outputs(x, condition, FLOAT_TOLERANCE)
    return _probe("score", {"x": x, **named(condition)}, outputs)._replace(tolerances=tolerances)


def onnx_probes(model: Autoencoder, signature: str, detector: DetectorSignature | None = None) -> list[Probe]:
    """Returns calls of the one signature of an .onnx file; the first has a single row."""
    with tf.device("CPU:0"):
        single, several = plausible(model, 1), plausible(model, 3)
        if signature == "decode":
            return [_decode(model, *single), _decode(model, *several)]
        if signature == "score":
            found = ((like_data(model, model.decode(z, condition)), condition) for z, condition in (single, several))
            return [_detector_probe(detector, *each) for each in found]
        samples = [(7, 0), (7, 5), (MAX_SEED, 2)]
        return [_generate_each(model, samples[:1], single[1]), _generate_each(model, samples, several[1])]


def _probe(signature, inputs, outputs):
    """Returns a probe, if the model's outputs are finite."""
    inputs, outputs = ({name: np.asarray(value) for name, value in table.items()} for table in (inputs, outputs))
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"`model` must give finite numbers. Received: NaN or infinity in `{name}` of `{signature}`"
            )
    return Probe(signature, inputs, outputs)


def _decode(model, z, condition):
    return _probe("decode", {"z": z, **named(condition)}, {"x": model.decode(z, condition)})


def _encode(model, x, condition):
    outputs = {"z": model.encode(x, condition)}
    if Formula.STDDEV in model.posterior_layer.formulas:
        outputs["scale"] = exact(model.posterior(x, condition)).stddev()
    return outputs


def _score(model, x, condition, quantiles):
    outputs = score(model, x, condition)
    return outputs if quantiles is None else {**outputs, "outlier_score": outlier_score(outputs, quantiles)}


def _sample(model, seeds, condition):
    """Returns a call of the server's `sample`, with one row of the condition per seed."""
    x = np.concatenate([model.sample(1, _row(condition, i), seed=seed) for i, seed in enumerate(seeds)])
    return _probe("sample", {"seed": np.int32(seeds), **named(condition)}, {"x": x})


def _generate(model, seed, num, temperature, condition):
    """Returns a call of the server's `generate`, with a condition of `num` rows or a single one."""
    scalars = {"seed": np.int32(seed), "num": np.int32(num), "temperature": np.float32(temperature)}
    x = model.sample(num, _extend(condition, num), seed=seed, temperature=temperature)
    return _probe("generate", {**scalars, **named(condition)}, {"x": x})


def _generate_rows(model, seed, row, condition, batch_size):
    """Returns a call of the device's `generate`: samples `row` to `row + batch_size` of a seed."""
    inputs = {"seed": np.int32([seed]), "row": np.int32([row]), **named(condition)}
    num = row + batch_size
    return _probe("generate", inputs, {"x": model.sample(num, _extend(condition, num), seed=seed)[row:]})


def _generate_all(model, condition, num, batch_size):
    """Returns consecutive calls of the device's `generate` for the first `num` samples of a seed."""
    rows = np.arange(0, num, batch_size, dtype=np.int32)
    inputs = {"seed": np.zeros_like(rows), "row": rows, **named(condition)}
    return _probe("generate", inputs, {"x": model.sample(num, condition, seed=0)})


def _with_png(probe):
    """Adds the pixels of the PNG files to the outputs of a probe."""
    if "x" not in probe.outputs:
        return probe
    levels = np.round(255.0 * probe.outputs["x"]).astype(np.uint8)
    levels = levels.reshape([*levels.shape[:3], -1])  # [B, H, W, C]
    return probe._replace(outputs={**probe.outputs, "png_bytes": levels})


def _generate_each(model, samples, condition):
    """Returns a call of the `generate` of ONNX, with one seed and one row number per sample."""
    found = []
    for number, (seed, row) in enumerate(samples):
        value = _row(condition, number)
        found.append(model.sample(row + 1, _extend(value, row + 1), seed=seed)[row:])
    seeds, rows = np.int32(samples).T
    return _probe("generate", {"seed": seeds, "row": rows, **named(condition)}, {"x": tf.concat(found, axis=0)})


def _row(condition, i):
    return None if condition is None else tf.nest.map_structure(lambda values: values[i : i + 1], condition)


def _extend(condition, num):
    """Prepends copies of the first row of a condition, up to `num` rows."""
    if condition is None:
        return None
    return tf.nest.map_structure(
        lambda values: np.concatenate([np.repeat(values[:1], num - len(values), axis=0), values]), condition
    )


def plausible(model, num, offset=0):
    """Returns codes [num, D] and plausible values of the condition."""
    generator = np.random.default_rng(offset)
    z = generator.standard_normal([num, model.latent_dim]).astype(np.float32)
    if model.condition is None:
        return z, None
    values = {name: _values(part, num, offset, generator) for name, part in model.condition.properties.items()}
    return z, model.condition.from_named(values)


def _values(part, num, offset, generator):
    dtype, shape = part.spec()
    if isinstance(part, Categorical):
        return ((np.arange(num) + offset) % part.num_classes).astype(dtype)
    values = generator.standard_normal([num, part.size])
    if isinstance(part, Continuous):
        values = part.loc.numpy() + part.scale.numpy() * values
    return values.reshape([num, *shape]).astype(dtype)


def named(condition: Any) -> dict[str, Any]:
    """Returns the values of a condition by the names of the inputs of an export."""
    if condition is None:
        return {}
    return dict(condition) if isinstance(condition, dict) else {"condition": condition}
