"""The card of an export: what is known of it, as JSON for programs and as Markdown for people."""

import dataclasses
import datetime
import importlib.metadata
import os
import pathlib
import platform
import re

import keras_ae
from keras_ae.export.card.artifact_files import FILES, ArtifactFiles, contents, name_of, sha256
from keras_ae.export.card.probe_file import write_probes
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.io.json_files import check_json, plain, read_json, write_json
from keras_ae.io.paths import inside

FORMAT = 1  # of the card itself
FORMATS = ("saved_model", *FILES.values())
QUANTIZE = ("none", "fp16", "dynamic", "int8")  # of a .tflite file
_LARGEST = 1 << 20  # bytes
_HASH = re.compile("[0-9a-f]{64}")
_DETAILS = ("data", "training", "metrics")
_PARTS = (
    "encoder", "decoder", "posterior_layer", "prior_layer", "sampler_layer", "likelihood_layer",
    "objective", "condition",
)  # fmt: skip
# The sections, and what the keys of their nested dictionaries are.
_SECTIONS = {
    "signatures": ("signature", "side", "name"),
    "tensors": ("name",),
    "omitted": (),
    "model": ("part",),
    "data": ("part",),
    "training": ("part",),
    "metrics": ("part",),
    "errors": ("signature", "output"),
    "bytes": (),
    "latency": (),
    "machine": (),
    "versions": (),
    "files": ("file",),
}
_TITLES = {
    "tensors": "Inputs and outputs",
    "omitted": "Signatures that are not there",
    "errors": "Absolute differences to the model",
    "bytes": "Size in bytes",
}


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
        quality: of a .tflite file, what `judge` found on a thousand samples of the prior.
        tensors: {name of an input or output: as `descriptions` gives it}.
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
        places = ArtifactFiles.of(artifact)
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


def make_card(model, path, report, *, omitted, notes=None, limits=(), **fields):
    """The card of an export of `model` to `path`, from the report of `compare` and other fields of a `Card`."""
    names = {name for each in report["signatures"].values() for side in each.values() for name in side}
    limits = (*(f"There is no `{name}`: {why}" for name, why in omitted.items()), *limits)
    if not fields.get("data"):
        limits = (*limits, "It was exported without a run: its data, training and metrics are not known.")
    return Card(
        path=path,
        model=_summary(model),
        omitted=omitted,
        tensors={name: entry for name, entry in descriptions(model, notes).items() if name in names},
        limits=limits,
        machine={"cpus": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **report,
        **fields,
    )


def versions(*distributions):
    """{distribution: version}, with keras_ae and Python."""
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


def read_card(path):
    """The fields of a card that verification needs, checked: a dictionary.

    Raises:
        FileNotFoundError: where there is no card.
        ValueError: for a file that is damaged, or is something else, with the name of the file.
    """
    if path.is_file() and os.path.getsize(path) > _LARGEST:
        raise ValueError(f"{path} must have {_LARGEST} bytes at most. Received: {os.path.getsize(path)}")
    card = read_json(path)
    try:
        _check(card, path.parent)
    except ValueError as error:
        raise ValueError(f"{path} is no card of an export: {error}") from error
    return card


def text_of(card, name):
    """The Markdown of a card, from its fields.

    Args:
        card: dictionary, what `read_card` gives or `Card.fields`.
        name: of the file with the Markdown, whose own size and hash it cannot hold.

    Raises:
        ValueError: for fields that no card has.
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
    if card.get("quantize") not in quantize:  # it chooses the tolerance
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
            raise ValueError(f"`files` must have the bytes and SHA-256 of {name}.")


def card_text(fields):
    """The Markdown of a card, from `Card.fields`. Sections that are empty are left out.

    `verify` renders the JSON again and compares: what gives other text for the same fields needs another `FORMAT`.
    """
    alone = {name: value for name, value in fields.items() if name not in (*_SECTIONS, "limits", "path")}
    parts = [f"# {_plain(fields['path'])}", _table(("what", "value"), alone.items())]
    for name, keys in _SECTIONS.items():
        if fields[name]:
            parts += [f"## {_TITLES.get(name, name.capitalize())}", *_tables(fields[name], keys)]
    parts += ["## Limits", "\n".join(f"- {_plain(limit)}" for limit in fields["limits"])]
    return "\n\n".join(parts) + "\n"


def _tables(value, keys):
    """A table of the plain values of a dictionary, and one of the dictionaries in it, a row for each innermost one."""
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
    """(path, row) of the innermost dictionaries."""
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
    """A value as a cell: nothing in it ends the cell or the line."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        words = all(isinstance(entry, str) for entry in value) and value
        shown = ("any" if entry is None else _plain(entry) for entry in value)
        return _plain(", ".join(value)) if words else "[" + ", ".join(shown) + "]"
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")
