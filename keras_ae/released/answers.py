"""Reference outputs: inputs of a model and what it returned, so that anybody can verify it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.evaluate import log_likelihood, score
from keras_ae.evaluate.likelihood.log_likelihood import check_density
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.export.card.probe_file import Probe
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.export.verification.probes import like_data, named, plausible

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector

_ROWS, _LIKELIHOOD_ROWS, _SAMPLES = 8, 64, 100
# Relative to the largest value: processors round differently, and the likelihood sums over samples and pixels.
TOLERANCE = {"log_likelihood": 1e-4, "score": 1e-4, "detect": 1e-4}
DEFAULT_TOLERANCE = 5e-5


def kept_answers(
    model: Autoencoder, x: Any = None, condition: Any = None, detector: "OutlierDetector | None" = None
) -> list[Probe]:
    """Returns calls of a model, and of its detector if there is one, with their outputs.

    Args:
        model: a built model.
        x: examples, of which the first 64 are stored; by default, examples that the model decodes, because data sets
            have licenses.
        condition: the conditions of the examples.
        detector: a fitted detector with this model; x is then as in its `fit`.

    Raises:
        ValueError: for examples of another shape than the detector takes.
    """
    detected = None
    if detector is not None and x is not None:
        detected = np.asarray(_rows(x, _LIKELIHOOD_ROWS), np.float32)
        if detected.shape[1:] != tuple(model.event_shape):
            raise ValueError(
                f"`X` must be examples of shape {list(model.event_shape)}. Received: {list(detected.shape[1:])}"
            )
        x = detector.scaling_(detected)
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
    if detector is not None:
        signature = DetectorSignature(detector)
        detected = signature.examples(some["x"]) if detected is None else detected
        outputs, tolerances = signature.outputs(detected, _rows(condition, len(detected)), TOLERANCE["detect"])
        found.append(_probe("detect", {**some, "x": detected}, outputs)._replace(tolerances=tolerances))
    return found


def ask(
    model: Autoencoder, signature: str, inputs: dict[str, np.ndarray], detector: "OutlierDetector | None" = None
) -> Probe:
    """Calls a model, or its detector.

    Args:
        model: a built model.
        signature: `"decode"`, `"encode"`, `"sample"`, `"log_likelihood"` or `"score"`; `"detect"` of a detector.
        inputs: {name: array}.
        detector: the detector.

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
    elif signature == "detect" and detector is not None:
        outputs, _ = DetectorSignature(detector).outputs(inputs["x"], condition, TOLERANCE["detect"])
    else:
        raise ValueError(f"`signature` must be one of the kept answers. Received: {signature!r}")
    return _probe(signature, inputs, outputs)


def _probe(signature, inputs, outputs):
    return Probe(signature, dict(inputs), {name: np.asarray(value, np.float32) for name, value in outputs.items()})


def _rows(values, num):
    if isinstance(values, dict):
        return {name: _rows(each, num) for name, each in values.items()}
    return None if values is None else np.asarray(values)[:num]
