"""Exports every model and part of the zoo in every format, and writes sizes and errors into exports/README.md.

    python benchmarks/export_table.py                        # missing rows; all of them take 20 minutes
    python benchmarks/export_table.py --only vqvae,laplace   # these rows, measured again

A model has its default networks and sizes, and is trained for two steps on 200 digits of scikit-learn. A part has its
defaults too, in a model of the parts that tests/parts.py combines it with, with 4-dimensional codes. int8 is calibrated
with the digits. Exports are run by the loader of their format in this process, which is faster than a separate one.
"""

import argparse
import inspect
import pathlib
import re
import sys
import tempfile

import numpy as np
from report import ROOT, replace

import keras_ae as kae
from keras_ae import latents, networks
from keras_ae.export.verification import comparison, isolated_runner
from keras_ae.io.writing import replacing
from keras_ae.models import MODELS, VAE

sys.path.append(str(ROOT / "tests"))
import parts

DOCUMENT = ROOT / "exports" / "README.md"


def _export_saved_model(model, folder, examples, encoder):
    return kae.export.saved_model(model, folder / "1")


def _export_litert(quantize):
    def export(model, folder, examples, encoder):
        path = folder / f"{quantize}.tflite"
        return kae.export.litert(model, path, quantize=quantize, examples=examples, encoder=encoder)

    return export


def _export_onnx(signature):
    def export(model, folder, examples, encoder):
        return kae.export.onnx(model, folder / f"{signature}.onnx", signature=signature)

    return export


FORMATS = {
    "SavedModel": _export_saved_model,
    "LiteRT float32": _export_litert("none"),
    "LiteRT fp16": _export_litert("fp16"),
    "LiteRT dynamic": _export_litert("dynamic"),
    "LiteRT int8": _export_litert("int8"),
    "ONNX decode": _export_onnx("decode"),
    "ONNX generate": _export_onnx("generate"),
}

_LEVELS = 17  # of the digits
_OF_CODES = ("sizes", "num_classes")  # arguments whose defaults are for larger codes
_CONDITIONS = {
    "categorical": lambda: kae.Categorical(10),
    "continuous": lambda: kae.Continuous(),
    "several": lambda: {"digit": kae.Categorical(10), "ink": kae.Continuous()},
}


def _model(name):
    cls = MODELS[name]
    return cls(condition=kae.Categorical(10)) if cls.needs_condition else cls()


def _with_part(kind):
    """A function that makes a model around a part by its name, with the parts beside it in the table of the tests."""

    def make(name):
        beside = {argument: _part(argument, value) for argument, value in parts.beside(kind, name).items()}
        conditional = isinstance(beside.get("prior"), latents.ConditionalNormal)
        return kae.Autoencoder(**beside, condition=kae.Categorical(10) if conditional else None)

    return make


def _part(kind, value):
    """The part with a name: its defaults, required arguments, and arguments that fit the codes and the digits."""
    if kind not in parts.TABLES or not isinstance(value, str):
        return value
    cls = parts.TABLES[kind][value]
    wanted = inspect.signature(cls).parameters
    needed = {name for name, each in wanted.items() if each.default is each.empty or name in _OF_CODES}
    arguments = {name: given for name, given in parts.ROWS[kind][value].arguments().items() if name in needed}
    return cls(**arguments, **({"levels": _LEVELS} if "levels" in wanted else {}))


def _network(name):
    return VAE(name, name, latent_dim=parts.DIM)


def _condition(name):
    return VAE(latent_dim=parts.DIM, condition=_CONDITIONS[name]())


# {kind: (its names, a function that makes a model of a name)}. A new part appears with its line in a table of names.
KINDS = {
    "model": (tuple(MODELS), _model),
    **{kind: (tuple(parts.TABLES[kind]), _with_part(kind)) for kind in ("likelihood", "prior", "posterior", "sampler")},
    "network": (tuple(dict.fromkeys([*networks.ENCODERS, *networks.DECODERS])), _network),
    "condition": (tuple(_CONDITIONS), _condition),
}
TITLES = {
    "model": "Model",
    "likelihood": "Likelihood",
    "prior": "Prior",
    "posterior": "Posterior, with the encoder in LiteRT",
    "sampler": "Sampler",
    "network": "Network, as encoder and decoder, both in LiteRT",
    "condition": "Condition",
}
ROWS = [(kind, name) for kind, (names, _) in KINDS.items() for name in names]


def trained(kind, name):
    """A model that was trained for two steps, and its examples: x, or (x, condition)."""
    import keras
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(0)
    model = KINDS[kind][1](name)
    data = load_digits()
    x, labels = (data.images[:200] / 16).astype("float32")[..., np.newaxis], data.target[:200].astype("int32")
    support = model.likelihood_layer.support
    if support is not None and support.whole:
        x = 16 * x
    values = {"Categorical": labels, "Continuous": x.mean(axis=(1, 2, 3))}
    condition = values.get(type(model.condition).__name__, {"digit": labels, "ink": values["Continuous"]})
    examples = (x,) if model.condition is None else (x, condition)
    model.compile(run_eagerly=True)  # two steps take less time than a compilation
    model.fit(*examples, batch_size=100, verbose=0)
    if kind == "sampler":
        model.fit_sampler(model.sampler_layer, *examples, verbose=False)
    return model, examples[0] if len(examples) == 1 else examples


def measure(kind, name):
    """{format: the cell of the table, such as "231 kB, 2e-7", or a sentence that says why there is no such export}"""
    model, examples = trained(kind, name)
    found = {}
    for label, export in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                card = export(model, pathlib.Path(folder), examples, kind in ("posterior", "network"))
            except (ValueError, RuntimeError) as error:
                found[label] = " ".join(str(error).split())
            else:
                found[label] = cell(card.bytes["total"], comparison.largest_error(card.errors))
    return found


def cell(size, error):
    """Bytes and the largest difference from Keras, as in the table."""
    return f"{size / 1000:,.0f} kB, {error:.0e}".replace("e-0", "e-").replace("0e+00", "0")


def numbers(text):
    """(size in kB, error) of a cell; `None` for a sentence."""
    match = re.fullmatch(r"([\d,]+) kB, (\S+)", text)
    return match and (float(match[1].replace(",", "")), float(match[2]))


def written(results):
    """Markdown of {(kind, name): what `measure` gives}: one table per kind, and the reasons for missing exports."""
    parts, reasons = [], {}
    for kind, (names, _) in KINDS.items():
        lines = [f"| {TITLES[kind]} | {' | '.join(FORMATS)} |", f"|---|{'---|' * len(FORMATS)}"]
        for name in (name for name in names if (kind, name) in results):
            row = results[kind, name]
            lines.append(
                f"| `{name}` | {' | '.join(row[label] if numbers(row[label]) else 'no' for label in FORMATS)} |"
            )
            for label in FORMATS:
                if not numbers(row[label]):
                    reasons.setdefault(row[label], {}).setdefault(label, []).append(f"{kind} `{name}`")
        parts.append("\n".join(lines))
    for reason, where in reasons.items():
        places = [f"{label} of {', '.join(of)}" for label, of in where.items()]
        parts.append(f"No {'; '.join(places)}: {reason}")
    missing = [f"{kind} `{name}`" for kind, name in ROWS if (kind, name) not in results]
    return "\n\n".join([*parts, *([f"Not measured yet: {', '.join(missing)}."] if missing else [])])


def read(text):
    """Returns the results that `written` put into a document."""
    table, results = text.partition("<!-- exports -->")[2].partition("<!-- /exports -->")[0], {}
    for kind, title in TITLES.items():
        lines = table.partition(f"| {title} |")[2].partition("\n\n")[0].splitlines()
        for line in lines[2:]:
            name, *cells = (entry.strip() for entry in line.strip("|").split("|"))
            results[kind, name.strip("`")] = dict(zip(FORMATS, cells, strict=True))
    for line in re.findall(r"^No (.*)$", table, re.MULTILINE):
        places, _, reason = line.partition(": ")
        for place in places.split("; "):
            label, _, rows = place.partition(" of ")
            for kind, name in re.findall(r"(\w+) `(\w+)`", rows):
                results[kind, name][label] = reason
    return results


def _run_here(kind, *paths):
    isolated_runner.answer(kind, *map(str, paths))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="names of models and parts, separated by commas")
    arguments = parser.parse_args(arguments)
    comparison._run = _run_here
    wanted = arguments.only.split(",") if arguments.only else None
    there = read(DOCUMENT.read_text(encoding="utf-8"))
    for row in sorted(ROWS, key=lambda row: row[0] == "model"):  # parts first: every model has some of them
        if row[1] in wanted if wanted else row not in there:
            found = measure(*row)
            print(*row, *found.values(), sep="  ", flush=True)
            text = DOCUMENT.read_text(encoding="utf-8")
            text = replace(text, "exports", written({**read(text), row: found}))
            with replacing(DOCUMENT) as temporary:
                temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
