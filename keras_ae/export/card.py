import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform

import keras_ae
from keras_ae.files import write_json

_PARTS = (
    "encoder",
    "decoder",
    "posterior_layer",
    "prior_layer",
    "sampler_layer",
    "likelihood_layer",
    "objective",
    "condition",
)


@dataclasses.dataclass(frozen=True)
class Card:
    """What is known of an export, measured while another loader ran it. It lies beside the export as a JSON file.

    Args:
        path: where the export is.
        format: `"saved_model"` or `"litert"`.
        quantize: `"none"`, `"fp16"`, `"dynamic"` or `"int8"`.
        model: class and parts of the keras_ae model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}, as the loader read them from the
            export; `None` in a shape is any number of rows.
        omitted: {signature: why it is not there}.
        bytes: the size of the export, and of the weights that it holds as they are in the model.
        errors: {signature: {output: {"max", "mean", "rms"}}}: the absolute difference to the model.
        latency: median time of `decode` in microseconds, rows a call, number of runs.
        machine: where it was measured.
        versions: of keras_ae and what it runs on.
        date: UTC, ISO 8601.
        verified: always true: there is no card for an export that failed.
        quality: of a .tflite file, what `keras_ae.export.quality.judge` found on a thousand samples of the prior.
    """

    path: pathlib.Path
    format: str
    quantize: str
    model: dict
    signatures: dict
    omitted: dict
    bytes: dict
    errors: dict
    latency: dict
    machine: dict
    versions: dict
    date: str
    verified: bool = True
    quality: dict = dataclasses.field(default_factory=dict)

    def write(self, path):
        """Writes the card as JSON. The export is called by its name, because cards travel with their exports."""
        write_json(path, {**dataclasses.asdict(self), "path": self.path.name})


def make_card(model, path, report, **fields):
    """The card of an export of `model` to `path`, from the report of `verify`."""
    return Card(
        path=path,
        model=_summary(model),
        omitted=omitted(model),
        machine={"cpus": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **report,
        **fields,
    )


def omitted(model):
    """{signature: why it is not there}"""
    return {} if model.sampler is not None else {"generate": "The model has no prior to draw from."}


def versions(*distributions):
    """{distribution: version}, with those of keras_ae and Python."""
    found = {name: importlib.metadata.version(name) for name in distributions}
    return {"keras_ae": keras_ae.__version__, "python": platform.python_version(), **found}


def weight_bytes(layer):
    """The size of the weights of a layer or model."""
    return sum(weight.numpy().nbytes for weight in layer.weights)


def _summary(model):
    parts = {place.removesuffix("_layer"): getattr(model, place) for place in _PARTS}
    return {
        "class": type(model).__name__,
        "name": model.name,
        "latent_dim": model.latent_dim,
        "event_shape": list(model.event_shape),
        "parameters": model.count_params(),
        **{name: None if part is None else type(part).__name__ for name, part in parts.items()},
        "properties": {} if model.condition is None else _properties(model.condition),
    }


def _properties(condition):
    named = getattr(condition, "properties", {"condition": condition})
    return {name: f"{type(part).__name__}({part.size})" for name, part in named.items()}
