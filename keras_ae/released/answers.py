"""Reference outputs: inputs of a model and what it returned, so that anybody can verify it."""

from typing import Any

import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.evaluate import log_likelihood, score
from keras_ae.evaluate.likelihood.log_likelihood import check_density
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.export.card.probe_file import Probe
from keras_ae.export.verification.probes import like_data, named, plausible

_ROWS, _LIKELIHOOD_ROWS, _SAMPLES = 8, 64, 100
# Relative to the largest value: processors round differently, and the likelihood sums over samples and pixels.
TOLERANCE = {"log_likelihood": 1e-4, "score": 1e-4}
DEFAULT_TOLERANCE = 5e-5


def kept_answers(model: Autoencoder, x: Any = None, condition: Any = None) -> list[Probe]:
    """Returns calls of a model with its outputs.

    Args:
        model: a built model.
        x: examples, of which the first 64 are stored; by default, examples that the model decodes, because data sets
            have licenses.
        condition: the conditions of the examples.
    """
    z, drawn = plausible(model, _ROWS)
    decoded = ask(model, "decode", {"z": z, **named(drawn)})
    if x is None:
        z, condition = plausible(model, _LIKELIHOOD_ROWS, offset=1)
        z = z if model.sampler is None else model.sample_codes(_LIKELIHOOD_ROWS, condition, seed=1)
        x = like_data(model, model.decode(z, condition))
    few, some = ({"x": _rows(x, num), **named(_rows(condition, num))} for num in (_ROWS, _LIKELIHOOD_ROWS))
    found = [decoded, ask(model, "encode", few)]
    if model.sampler is not None:
        found.append(ask(model, "sample", {"seed": np.int32(7), "num": np.int32(_ROWS), **named(drawn)}))
    try:
        check_density(model)
        found.append(ask(model, "log_likelihood", {**some, "num_samples": np.int32(_SAMPLES)}))
    except NotApplicableError:
        found.append(ask(model, "score", some))
    return found


def ask(model: Autoencoder, signature: str, inputs: dict[str, np.ndarray]) -> Probe:
    """Calls a model.

    Args:
        model: a built model.
        signature: `"decode"`, `"encode"`, `"sample"`, `"log_likelihood"` or `"score"`.
        inputs: {name: array}.

    Raises:
        ValueError: for another signature.
    """
    condition = None
    if model.condition is not None:
        condition = model.condition.from_named({name: inputs[name] for name in model.condition.properties})
    if signature == "decode":
        outputs = {"x": model.decode(inputs["z"], condition)}
    elif signature == "encode":
        outputs = {"z": model.encode(inputs["x"], condition)}
    elif signature == "sample":
        outputs = {"x": model.sample(int(inputs["num"]), condition, seed=int(inputs["seed"]))}
    elif signature == "log_likelihood":
        values = log_likelihood(model, inputs["x"], condition, num_samples=int(inputs["num_samples"]))
        outputs = {"log_likelihood": values}
    elif signature == "score":
        outputs = score(model, inputs["x"], condition)
    else:
        raise ValueError(f"`signature` must be one of the kept answers. Received: {signature!r}")
    return Probe(signature, dict(inputs), {name: np.asarray(value, np.float32) for name, value in outputs.items()})


def _rows(values, num):
    if isinstance(values, dict):
        return {name: _rows(each, num) for name, each in values.items()}
    return None if values is None else np.asarray(values)[:num]
