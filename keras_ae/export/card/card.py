import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform

import keras_ae
from keras_ae.export.card.artifact_files import Companions, contents, name_of, sha256
from keras_ae.export.card.card_file import FORMAT, check_json, text_of
from keras_ae.export.signatures.descriptions import meanings
from keras_ae.export.verification.probe_file import write_probes
from keras_ae.io.json_files import plain, write_json

_DETAILS = ("data", "training", "metrics")
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
    """What is known of an export, measured while another loader ran it. It travels with the export.

    Args:
        path: where the export is.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        quantize: `"none"`, `"fp16"`, `"dynamic"` or `"int8"`.
        model: class and parts of the keras_ae model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}, as the loader read them from the
            export; `None` in a shape is any number of rows.
        omitted: {signature, or "signature.output": why it is not there}.
        bytes: the size of the export, and of the weights that it holds as they are in the model.
        errors: {signature: {output: {"max", "mean", "rms"}}}: the absolute difference to the model.
        latency: median time of `decode` in microseconds, rows a call, number of runs.
        machine: where it was measured.
        versions: of keras_ae and what it runs on.
        date: UTC, ISO 8601.
        verified: always true: there is no card for an export that failed.
        quality: of a .tflite file, what `export.litert.quality.judge` found on a thousand samples of the prior.
        tensors: {name of an input or output: as `meanings` describes it}.
        data, training, metrics: what the run knows: what the model learned from, how, and how good it is, with the
            protocol. Empty for a model that was exported without a run.
        license: of the model's weights.
        limits: list of sentences: what the export does not do, and where it was not tried.
        files: {name: {"bytes", "sha256"}} of all files of the export but the card.
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
    tensors: dict = dataclasses.field(default_factory=dict)
    data: dict = dataclasses.field(default_factory=dict)
    training: dict = dataclasses.field(default_factory=dict)
    metrics: dict = dataclasses.field(default_factory=dict)
    license: str = "not stated"
    limits: tuple = ()
    files: dict = dataclasses.field(default_factory=dict)

    def fields(self):
        """The card as a dictionary. The export is called by its name, because cards travel with their exports."""
        return {"card": FORMAT, **dataclasses.asdict(self), "path": self.path.name}

    def seal(self, artifact, probes):
        """Writes the card, as JSON and as Markdown, and the probes to where they belong; the card itself comes last.

        Args:
            artifact: `pathlib.Path` of the complete export, which has not got its place yet.
            probes: list of `Probe` that verified it.

        Returns:
            The card with the size and the hash of each file.
        """
        places = Companions.of(artifact)
        places.card.parent.mkdir(exist_ok=True)
        write_probes(places.probes, probes)
        listed = dataclasses.replace(self, files=_files(artifact))
        text = text_of(plain(listed.fields()), name_of(artifact, places.text))
        places.text.write_text(text, encoding="utf-8")
        sealed = dataclasses.replace(self, files=_files(artifact))
        write_json(places.card, sealed.fields())
        return sealed


def check_details(details, license):
    """The fields that a caller gives, for `make_card`.

    Args:
        details: dictionary of the dictionaries "data", "training" and "metrics", as `keras_ae.run.Run.details` makes
            it; `None` where nothing is known.
        license: text, or `None` where it is not stated.

    Raises:
        ValueError: for anything else.
    """
    details = {} if details is None else details
    if not isinstance(details, dict) or not all(
        name in _DETAILS and isinstance(value, dict) for name, value in details.items()
    ):
        raise ValueError(f"`details` must be a dictionary of the dictionaries {_DETAILS}. Received: {details!r}")
    if license is not None and not (isinstance(license, str) and license.strip()):
        raise ValueError(f"`license` must be a text, such as 'CC BY 4.0', or None. Received: {license!r}")
    details = check_json("details", details)
    return {**details, **({} if license is None else {"license": license.strip()})}


def make_card(model, path, report, *, missing=None, notes=None, limits=(), **fields):
    """The card of an export of `model` to `path`, from the report of `compare` and other fields of a `Card`."""
    missing = {**(missing or {}), **omitted(model)}
    names = {name for each in report["signatures"].values() for side in each.values() for name in side}
    known = meanings(model, notes)
    limits = (*(f"There is no `{name}`: {why}" for name, why in missing.items()), *limits)
    if not fields.get("data"):
        limits = (*limits, "It was exported without a run: its data, training and metrics are not known.")
    return Card(
        path=path,
        model=_summary(model),
        omitted=missing,
        tensors={name: meaning for name, meaning in known.items() if name in names},
        limits=limits,
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


def _files(artifact):
    return {name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for name, path in contents(artifact).items()}


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
    return {name: f"{type(part).__name__}({part.size})" for name, part in condition.properties.items()}
