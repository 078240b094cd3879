"""The card of an export: facts and measurements, as JSON for programs and as Markdown for people."""

import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
from typing import Any

import keras

import keras_ae
from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Condition
from keras_ae.export.card.artifact_files import FILES, ArtifactFiles, contents, name_of, sha256
from keras_ae.export.card.probe_file import Probe, write_probes
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.io.json_files import check_json, plain, read_json, write_json
from keras_ae.io.paths import inside

FORMAT = 1  # of the card
FORMATS = ("saved_model", *FILES.values())
QUANTIZE = ("none", "fp16", "dynamic", "int8")  # of a .tflite file
_MAX_BYTES = 1 << 20
_HASH = re.compile("[0-9a-f]{64}")
_DETAILS = ("data", "training", "metrics")
_PARTS = (
    "encoder", "decoder", "posterior_layer", "prior_layer", "sampler_layer", "likelihood_layer",
    "objective", "condition",
)  # fmt: skip
# The sections, and the headings for the keys of their nested dictionaries.
_SECTIONS = {
    "signatures": ("signature", "side", "name"),
    "tensors": ("name",),
    "omitted": (),
    "model": ("part",),
    "detector": (),
    "data": ("part",),
    "training": ("part",),
    "metrics": ("part",),
    "precision": (),
    "exports": ("file",),
    "errors": ("signature", "output"),
    "bytes": (),
    "latency": (),
    "machine": (),
    "versions": (),
    "files": ("file",),
}
_TITLES = {
    "tensors": "Inputs and outputs",
    "omitted": "Missing signatures",
    "errors": "Absolute differences to the model",
    "exports": "LiteRT decoders, and their absolute differences to the model",
    "precision": "Precision of the weights",
    "bytes": "Size in bytes",
}


@dataclasses.dataclass(frozen=True)
class Card:
    """The card of an export: its facts, and the measurements of its verification. It is stored with the export.

    Args:
        path: path of the export.
        format: `"saved_model"`, `"litert"` or `"onnx"`.
        quantize: `"none"`, `"fp16"`, `"dynamic"` or `"int8"`.
        model: class and parts of the keras_ae model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}, read from the export. In a shape,
            `None` is any size.
        omitted: {signature, or "signature.output": why it is omitted}.
        bytes: size of the export, and of the model's weights in it, in float32.
        errors: {signature: {output: {"max", "mean", "rms"}}}, the absolute difference from the model.
        latency: median time of a call in microseconds, rows per call, number of calls.
        machine: the machine of these measurements.
        versions: versions of keras_ae and its dependencies.
        date: UTC, ISO 8601.
        verified: always true, because exports that fail the verification are not written.
        quality: for a .tflite file, the measurements on a thousand samples of the prior.
        tensors: {input or output: {"description", "unit", "range", "labels"}}.
        data, training, metrics: the data, the training and the results with their protocol, from the run. Empty for a
            model that was exported without a run.
        detector: for a fitted outlier detector: its score, its threshold and the false-alarm rate of this threshold.
        license: license of the model's weights.
        limits: sentences about what the export does not do, and what was not tested.
        files: {name: {"bytes", "sha256"}} for every file of the export except the card.
    """

    path: pathlib.Path
    format: str
    quantize: str
    model: dict[str, Any]
    signatures: dict[str, dict]
    omitted: dict[str, str]
    bytes: dict[str, int]
    errors: dict[str, dict]
    latency: dict[str, float]
    machine: dict[str, Any]
    versions: dict[str, str]
    date: str
    verified: bool = True
    quality: dict[str, Any] = dataclasses.field(default_factory=dict)
    tensors: dict[str, dict] = dataclasses.field(default_factory=dict)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    detector: dict[str, Any] = dataclasses.field(default_factory=dict)
    license: str = "not stated"
    limits: tuple[str, ...] = ()
    files: dict[str, dict] = dataclasses.field(default_factory=dict)


def seal(card: Card, artifact: pathlib.Path, probes: list[Probe]) -> Card:
    """Writes the probes and the card, as Markdown and then as JSON, for a complete export.

    Args:
        card: the card, with the final path of the export.
        artifact: temporary path of the export.
        probes: the probes that verified it.

    Returns:
        The card with the size and the hash of each file.
    """
    places = ArtifactFiles.of(artifact)
    places.card.parent.mkdir(exist_ok=True)
    write_probes(places.probes, probes)
    listed = dataclasses.replace(card, files=_files(artifact))
    text = text_of(plain(_fields(listed)), name_of(artifact, places.text))
    places.text.write_text(text, encoding="utf-8")
    sealed = dataclasses.replace(card, files=_files(artifact))
    write_json(places.card, _fields(sealed))
    return sealed


def _fields(card):
    """Returns a card as a dictionary, with the name of the export in place of its path."""
    return {"card": FORMAT, **dataclasses.asdict(card), "path": card.path.name}


def check_details(details: dict[str, dict] | None, license: str | None) -> dict[str, Any]:
    """Validates the arguments `details` and `license` of an exporter, and returns them as fields of the card."""
    details = {} if details is None else details
    if not isinstance(details, dict) or not all(
        name in _DETAILS and isinstance(value, dict) for name, value in details.items()
    ):
        raise ValueError(f"`details` must be a dictionary with dictionaries {_DETAILS}. Received: {details!r}")
    if license is not None and not (isinstance(license, str) and license.strip()):
        raise ValueError(f"`license` must be a string, such as 'CC BY 4.0', or None. Received: {license!r}")
    details = check_json("details", details)
    return {**details, **({} if license is None else {"license": license.strip()})}


def make_card(
    model: Autoencoder,
    path: pathlib.Path,
    report: dict[str, dict],
    *,
    omitted: dict[str, str],
    notes: dict[str, dict] | None = None,
    limits: tuple[str, ...] = (),
    detector: DetectorSignature | None = None,
    **fields: Any,
) -> Card:
    """Returns the card of an export of `model` to `path`, from the report of `compare` and other fields."""
    if detector is not None:
        limits, fields["detector"] = (detector.sentence, *limits), detector.facts
    names = {name for each in report["signatures"].values() for side in each.values() for name in side}
    limits = (*(f"There is no `{name}`: {why}" for name, why in omitted.items()), *limits)
    if not fields.get("data"):
        limits = (*limits, "It was exported without a run: its data, training and metrics are unknown.")
    return Card(
        path=path,
        model=model_summary(model),
        omitted=omitted,
        tensors={name: entry for name, entry in descriptions(model, notes, detector).items() if name in names},
        limits=limits,
        machine={"cpus": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **report,
        **fields,
    )


def versions(*distributions: str) -> dict[str, str]:
    """Returns the versions of keras_ae, Python and some distributions."""
    found = {name: importlib.metadata.version(name) for name in distributions}
    return {"keras_ae": keras_ae.__version__, "python": platform.python_version(), **found}


def weight_bytes(layer: keras.Layer) -> int:
    """Returns the size of the weights of a layer or model in bytes."""
    return sum(weight.numpy().nbytes for weight in layer.weights)


def _files(artifact):
    return {name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for name, path in contents(artifact).items()}


def model_summary(model):
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


def _properties(condition: Condition):
    return {name: f"{type(part).__name__}({part.size})" for name, part in condition.properties.items()}


def read_card(path: pathlib.Path) -> dict[str, Any]:
    """Reads an untrusted card, and validates the fields that verification needs.

    Raises:
        FileNotFoundError: if there is no card.
        ValueError: for an invalid file, with its name.
    """
    if path.is_file() and os.path.getsize(path) > _MAX_BYTES:
        raise ValueError(f"{path} must have at most {_MAX_BYTES} bytes. Received: {os.path.getsize(path)}")
    card = read_json(path)
    try:
        _check(card, path.parent)
    except ValueError as error:
        raise ValueError(f"{path} is not the card of an export: {error}") from error
    return card


def text_of(card: dict[str, Any], name: str) -> str:
    """Returns the Markdown of a card.

    Args:
        card: the fields of the card.
        name: name of the Markdown file, which cannot contain its hash.

    Raises:
        ValueError: for invalid fields.
    """
    try:
        files = {file: known for file, known in card["files"].items() if file != name}
        return card_text({**card, "files": files})
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"The fields do not form a card: {type(error).__name__}: {error}") from error


def _check(card, folder):
    if card.get("card") != FORMAT:
        raise ValueError(f"`card` must be {FORMAT}. Received: {card.get('card')!r}")
    if card.get("format") not in FORMATS:
        raise ValueError(f"`format` must be one of {FORMATS}. Received: {card.get('format')!r}")
    quantize = QUANTIZE if card["format"] == "litert" else ("none",)
    if card.get("quantize") not in quantize:  # it determines the tolerance
        raise ValueError(f"`quantize` must be one of {quantize}. Received: {card.get('quantize')!r}")
    if card.get("verified") is not True:
        raise ValueError(f"`verified` must be true. Received: {card.get('verified')!r}")
    for name in ("signatures", "errors", "bytes", "quality"):
        if not isinstance(card.get(name), dict):
            raise ValueError(f"`{name}` must be a dictionary.")
    files = card.get("files")
    if not isinstance(files, dict) or not files:
        raise ValueError("`files` must be a dictionary.")
    for name, known in files.items():
        inside(folder, name)
        fits = isinstance(known, dict) and isinstance(known.get("bytes"), int) and isinstance(known.get("sha256"), str)
        if not fits or not _HASH.fullmatch(known["sha256"]):
            raise ValueError(f"`files` must contain the size and SHA-256 of {name}.")


def card_text(fields: dict[str, Any]) -> str:
    """Returns the Markdown of a card, without empty sections.

    `verify` renders the JSON again and compares, so another text for the same fields needs another `FORMAT`.
    """
    alone = {name: value for name, value in fields.items() if name not in (*_SECTIONS, "limits", "path")}
    parts = [f"# {_plain(fields['path'])}", _table(("what", "value"), alone.items())]
    for name, keys in _SECTIONS.items():
        if fields.get(name):  # cards of older exports lack some
            parts += [f"## {_TITLES.get(name, name.capitalize())}", *_tables(fields[name], keys)]
    parts += ["## Limits", "\n".join(f"- {_plain(limit)}" for limit in fields["limits"])]
    return "\n\n".join(parts) + "\n"


def _tables(value, keys):
    """Returns tables of the plain values of a dictionary, and of its nested dictionaries, one row per innermost one."""
    plain = {name: entry for name, entry in value.items() if not _is_table(entry)}
    rows = [row for name, entry in value.items() if _is_table(entry) for row in _rows(entry, (name,))]
    tables = [_table(("what", "value"), plain.items())] if plain else []
    for depth in sorted({len(path) for path, _ in rows}):
        group = [(path, row) for path, row in rows if len(path) == depth]
        names = list(dict.fromkeys(name for _, row in group for name in row))
        heads = (*keys, *[""] * depth)[:depth]
        lines = [(*path, *(row.get(name, "") for name in names)) for path, row in group]
        tables.append(_table((*heads, *names), lines))
    return tables


def _rows(value, path):
    """Yields (path, row) for the innermost dictionaries."""
    inner = {name: entry for name, entry in value.items() if _is_table(entry)}
    for name, entry in inner.items():
        yield from _rows(entry, (*path, name))
    plain = {name: entry for name, entry in value.items() if name not in inner}
    if plain:
        yield path, plain


def _is_table(value):
    return isinstance(value, dict) and bool(value)


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _plain(value):
    """Returns a value as the text of a cell, without line breaks and with escaped separators."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        words = all(isinstance(entry, str) for entry in value) and value
        shown = ("any" if entry is None else _plain(entry) for entry in value)
        return _plain(", ".join(value)) if words else "[" + ", ".join(shown) + "]"
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")
