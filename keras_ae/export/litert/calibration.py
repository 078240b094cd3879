"""Real examples, and the calls of the networks that int8 is calibrated with."""

import dataclasses

import numpy as np
import tensorflow as tf

from keras_ae.export.verification.probes import condition_of, like_data, whole_calls

_ROWS = 1024  # the range of every activation is found from so many; from fewer, rare codes leave it
_SEED = 1  # the export is judged by codes of another seed


@dataclasses.dataclass(frozen=True)
class Examples:
    """Real examples, to calibrate and to judge an export with.

    Args:
        x: float32 [N, *event].
        condition: the values of their condition, or `None`.
    """

    x: np.ndarray
    condition: object = None

    @classmethod
    def of(cls, model, given):
        """The examples that a user gives: x, or (x, condition) where the model has one; `None` for none.

        Raises:
            ValueError: for examples that are not the model's.
        """
        if given is None:
            return None
        pair = given if isinstance(given, tuple) else (given, None)
        pair = (*pair, None) if len(pair) == 1 else pair
        if len(pair) != 2:
            raise ValueError(f"`examples` must be x, or (x, condition). Received: a tuple of {len(pair)}")
        return cls(*model.prepare(*pair)[:2])

    def spread(self, num):
        """`num` examples, evenly spread because data are often sorted; where there are fewer, some are repeated."""
        index = np.arange(num) * len(self.x) // num
        condition = None if self.condition is None else tf.nest.map_structure(lambda v: v[index], self.condition)
        return Examples(self.x[index], condition)


def calibration(signatures, examples):
    """{network: [inputs of a call, {name: array}]} for the networks of a model, or its signatures where they are int8.

    Codes are drawn from the prior, under the conditions of examples or plausible ones. The encoder gets the examples,
    or what the decoder makes of the codes.

    Args:
        signatures: a `DeviceSignatures`.
        examples: `Examples`, or `None`.

    Raises:
        ValueError: for a model without prior, where there are no examples either.
    """
    model, rows = signatures.model, signatures.rows
    if model.sampler is None and examples is None:
        raise ValueError(
            "`examples` must be given for int8 of a model without prior: there are no other codes to calibrate with. "
            "Received: examples=None"
        )
    num = whole_calls(_ROWS, rows)
    condition = condition_of(model, examples, num)
    codes = [] if model.sampler is None else [model.sample_codes(num, condition, seed=_SEED)]
    x = like_data(model, model.decode(codes[0], condition)) if examples is None else examples.spread(num).x
    if signatures.encoder or not codes:
        codes.append(model.encode(x, condition))
    context = {}
    if signatures.integer:  # a signature is one piece, with the inputs of users
        context = {} if condition is None else condition if isinstance(condition, dict) else {"condition": condition}
    elif condition is not None:
        values = condition if isinstance(condition, dict) else {"condition": condition}
        context = {"context": signatures.context(*(values[spec.name] for spec in signatures.properties))["context"]}
    decoded = [call for z in codes for call in _calls(rows, z=z, **context)]
    encoded = _calls(rows, x=x, **context) if signatures.encoder else []
    if signatures.integer:
        return {"decode": decoded, "encode": encoded, "reconstruct": encoded}
    return {"decoder": decoded, **({"encoder": encoded} if signatures.encoder else {})}


def _calls(rows, **arrays):
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    starts = range(0, len(next(iter(arrays.values()))), rows)
    return [{name: array[start : start + rows] for name, array in arrays.items()} for start in starts]
