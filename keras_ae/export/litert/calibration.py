"""Real examples, and the calls of the networks that calibrate int8."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.signatures.device import DeviceSignatures
from keras_ae.export.verification.probes import condition_of, like_data, named, whole_calls
from keras_ae.input_checks import checked_arrays

_ROWS = 1024  # examples for the ranges of the activations; with fewer, rare codes are out of range
_SEED = 1  # the export is evaluated with codes of another seed


@dataclasses.dataclass(frozen=True)
class RealExamples:
    """Real examples for the calibration and the evaluation of an export.

    Args:
        x: float32 [N, *event].
        condition: values of the condition, or `None`.
    """

    x: np.ndarray
    condition: Any = None

    @classmethod
    def of(cls, model: Autoencoder, given: Any) -> "RealExamples | None":
        """Validates x, or (x, condition), or `None`.

        Raises:
            ValueError: for examples that do not fit the model.
        """
        if given is None:
            return None
        pair = given if isinstance(given, tuple) else (given, None)
        pair = (*pair, None) if len(pair) == 1 else pair
        if len(pair) != 2:
            raise ValueError(f"`examples` must be x, or (x, condition). Received: a tuple of {len(pair)}")
        return cls(*checked_arrays(model, *pair)[:2])

    def spread(self, num: int) -> "RealExamples":
        """Returns `num` examples, evenly spaced because data are often sorted, and repeated if there are fewer."""
        index = np.arange(num) * len(self.x) // num
        condition = None if self.condition is None else tf.nest.map_structure(lambda v: v[index], self.condition)
        return RealExamples(self.x[index], condition)


def calibration(signatures: DeviceSignatures, examples: RealExamples | None) -> dict[str, list[dict[str, np.ndarray]]]:
    """Returns {network: inputs of calls}, or {signature: inputs of calls} for int8 inputs and outputs.

    Codes are drawn from the prior, given conditions of examples or plausible ones. The encoder gets the examples or the
    decoded codes.

    Raises:
        ValueError: for a model without a prior, if there are no examples.
    """
    model, rows = signatures.model, signatures.rows
    if model.sampler is None and examples is None:
        raise ValueError("`examples` are needed to calibrate int8 of a model without a prior. Received: examples=None")
    num = whole_calls(_ROWS, rows)
    condition = condition_of(model, examples, num)
    codes = [] if model.sampler is None else [model.sample_codes(num, condition, seed=_SEED)]
    x = like_data(model, model.decode(codes[0], condition)) if examples is None else examples.spread(num).x
    if signatures.encoder or not codes:
        codes.append(model.encode(x, condition))
    context = named(condition)
    if context and not signatures.integer:  # with integers, a signature is one piece, with the inputs of users
        context = signatures.context(*(context[spec.name] for spec in signatures.properties))
    decoded = [call for z in codes for call in _calls(rows, z=z, **context)]
    encoded = _calls(rows, x=x, **context) if signatures.encoder else []
    if signatures.integer:
        return {"decode": decoded, "encode": encoded, "reconstruct": encoded}
    return {"decoder": decoded, **({"encoder": encoded} if signatures.encoder else {})}


def _calls(rows, **arrays):
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    starts = range(0, len(next(iter(arrays.values()))), rows)
    return [{name: array[start : start + rows] for name, array in arrays.items()} for start in starts]
