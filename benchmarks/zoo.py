"""Trains every model of the zoo with its defaults on images, and writes a table and pictures of the results.

    python benchmarks/zoo.py                            # models without results, about an hour on 2 cores
    python benchmarks/zoo.py --training before          # the same with the defaults before
    python benchmarks/zoo.py --only vae,vqvae --again
    python benchmarks/zoo.py --report                   # writes the results into docs/zoo.md

A model is built and trained as by `keras-ae train NAME`, but with fewer epochs: Muon with a learning rate of 0.02 and
batches of 512, or of 128 where a warm-up is long, if no layer is wide. The defaults before were Adam with a rate of
3e-3 and batches of 128. In both, the rate decays to 0 in a cosine. All have the same data, epochs and seed 0. A tenth
of the training examples is held out, and selects nothing. The condition of conditional models is the label; for
`semi_supervised_vae`, one label in ten is known. Models without a prior draw samples from a sampler that is fitted to
their codes: a mixture to 10,000 codes, or an autoregressive sampler to all. Each model is trained in a separate
process.

Measured on the held-out examples, each where it applies: the negative log-likelihood (100 importance samples), the
Frechet distance of samples (FID) in the features of a classifier of the training examples, and the accuracy of
clusters (ACC), of k-means on the codes or of the model itself; not of codes of conditional models, which have seen the
label. For the mutual information gap (MIG), the model is trained again, on strokes, whose factors are known.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
from report import ROOT, replace
from side_by_side.machine import cores, machine, processors, versions

RESULTS = ROOT / "benchmarks" / "results" / "zoo"
SHOWN = 10
MEASURED = {
    "log_likelihood": {"num_samples": 100},
    "frechet_distance": {},
    "kmeans": {"num_seeds": 3},
    "model_clusters": {},
}
TRAININGS = {"now": {"optimizer": "auto"}, "before": {"optimizer": "adam"}}
BOUNDS = ("iwae", "miwae", "ciwae", "piwae")  # their loss is a bound over several samples, not reconstruction + KL


def fitted(name, learn, classes, epochs, training):
    """Returns a model trained on examples with its defaults: (model, history, seconds of processor time)."""
    import keras

    import keras_ae as kae
    from keras_ae.models import MODELS
    from keras_ae.run.assembly import assemble
    from keras_ae.run.recording import complete, optimizer
    from keras_ae.run.training import build

    keras.utils.set_random_seed(0)
    condition = kae.Categorical(classes) if MODELS[name].needs_condition else None
    known = learn.condition if condition else None
    if name == "semi_supervised_vae":
        known = np.where(np.random.default_rng(0).random(len(known)) < 0.1, known, -1)
    model = assemble(name, {}, condition=condition, seed=0)
    build(model, learn)
    settings = {"epochs": epochs, **TRAININGS[training]}
    complete(settings, model, len(learn))
    size = settings["batch_size"]
    model.compile(optimizer(settings["learning_rate"], len(learn), epochs, size, name=settings["optimizer"]))
    started = time.process_time()
    history = model.fit(learn.x, known, batch_size=size, epochs=epochs, verbose=0).history
    return model, history, time.process_time() - started


def train(name, dataset, epochs, training):
    """Trains a model, and returns (results, pictures): held-out examples, their reconstructions, and samples."""
    import keras_ae as kae
    from keras_ae.models import MODELS
    from keras_ae.run.examples import Examples

    x, labels = kae.datasets.load(dataset, split="train")
    learn, held_out = Examples(x, labels).split(0.1, 0)
    classes = int(labels.max()) + 1
    model, history, seconds = fitted(name, learn, classes, epochs, training)
    asked = held_out.condition if model.condition is not None else None
    terms = model.evaluate(held_out.x, asked, verbose=0, return_dict=True)
    sampler = "prior"
    if model.sampler is None:
        quantized = isinstance(model.posterior_layer, kae.latents.VectorQuantizer)
        sampler = "autoregressive" if quantized else "gaussian_mixture"
        some = learn.rows(slice(10_000 if sampler == "gaussian_mixture" else None))
        model.fit_sampler(sampler, some.x, some.condition if model.condition is not None else None, verbose=False)
    shown = np.linspace(0, len(held_out) - 1, SHOWN).astype(int)
    draw = {} if model.condition is None else {"condition": np.arange(SHOWN) % classes}
    pictures = {
        "examples": held_out.x[shown],
        "reconstructions": model.reconstruct(held_out.x[shown], *(() if asked is None else (asked[shown],))),
        "samples": model.sample(SHOWN, seed=0, **draw),
    }
    reconstructed = model.predict(held_out.x if asked is None else (held_out.x, asked), verbose=0)
    results = {
        "name": name,
        "class": MODELS[name].__name__,
        "conditional": model.condition is not None,
        "dataset": dataset,
        "epochs": epochs,
        "num_examples": len(learn),
        "terms": {key: float(value) for key, value in terms.items()},
        "first_loss": history["loss"][0],
        "last_loss": history["loss"][-1],
        "squared_error": float(np.mean((reconstructed - held_out.x) ** 2)),
        "seconds": seconds,
        "sampler": sampler,
        "measured": measured(model, learn, held_out) | gap(name, epochs, len(learn), training),
        "machine": machine(cores()),
        "versions": versions(),
    }
    return results, pictures


def measured(model, learn, held_out):
    """Returns {measurement: value} of the metrics that apply to a model."""
    from keras_ae.evaluate import Subject, train_classifier
    from keras_ae.evaluate.report import evaluate

    condition = None if model.condition is None else held_out.condition
    given = {"condition": condition, "reference": (learn.x, learn.condition)}
    subject = Subject(model, held_out.x, held_out.condition, name="model", **given)
    subject.classifier = train_classifier(learn.x, learn.condition, epochs=2, cache=RESULTS)
    found = evaluate({"model": [subject]}, metrics=list(MEASURED), options=MEASURED)
    return {name: float(each.value) for name, each in found.measurements.items()}


def gap(name, epochs, most, training):
    """Returns the mutual information gap of a model that is trained on strokes."""
    import keras_ae as kae
    from keras_ae.evaluate.disentanglement import mutual_information_gap
    from keras_ae.run.examples import Examples

    x, properties = kae.datasets.load("strokes", split="train")
    learn = Examples(x[:most], properties["digit"][:most])
    model, _, _ = fitted(name, learn, 10, epochs, training)
    x, properties = kae.datasets.load("strokes", split="test")
    codes = np.asarray(model.encode(x, *(() if model.condition is None else (properties["digit"],))))
    factors = {key: properties[key] for key in ("digit", "slant", "thickness", "size", "rotation")}
    return {"mutual_information_gap": mutual_information_gap(codes.reshape(len(codes), -1), factors)}


def save(folder, results, pictures):
    """Writes pictures and results; the JSON comes last and marks a complete result."""
    np.savez_compressed(folder / f"{results['name']}.npz", **pictures)
    (folder / f"{results['name']}.json").write_text(json.dumps(results, indent=1) + "\n")


def figure(rows, kind):
    """Returns a figure of the pictures of one kind, with one row per model."""
    from keras_ae.explore import image_grid

    pictures = [np.load(RESULTS / "now" / f"{row['name']}.npz") for row in rows]
    labels = [row["class"] for row in rows]
    images = np.stack([each[kind] for each in pictures])
    if kind == "reconstructions":
        images, labels = np.concatenate([pictures[0]["examples"][np.newaxis], images]), ["held-out examples", *labels]
    return image_grid(images, row_labels=labels, limits=(0.0, 1.0))


def table(rows, before):
    """Returns a row per model: terms of the loss, squared error, and the measurements; with the old defaults first."""
    lines = [
        "| Model | Processor time, s | Reconstruction | KL | Other terms of the loss | Squared error of a pixel | NLL "
        "| FID | Samples from | ACC | MIG |",
        f"|---|{'---:|' * 3}---|{'---:|' * 3}---|---:|---:|",
    ]
    for row in rows:
        cells = _cells(row)
        if row["name"] in before:
            old = _cells(before[row["name"]])
            cells = {name: f"{old[name]} → {cell}" if cell and name in _TWICE else cell for name, cell in cells.items()}
        lines.append(f"| `{row['class']}` | {' | '.join(cells.values())} |")
    return "\n".join(lines)


_TWICE = ("seconds", "reconstruction", "kl", "squared error", "nll", "fid", "acc", "mig")  # before and now


def _cells(row):
    """Returns {column: text} of the results of a model."""
    terms = dict(row["terms"])
    loss, reconstruction, kl = (terms.pop(name, None) for name in ("loss", "reconstruction", "kl"))
    if row["name"] in BOUNDS:
        terms["bound"] = loss
    found = row["measured"]
    likelihood, clusters = found.get("log_likelihood"), found.get("model_clusters.accuracy")
    if clusters is None and not row["conditional"]:
        clusters = found.get("kmeans.codes_accuracy")
    return {
        "seconds": _shown(row["seconds"], ".0f"),
        "reconstruction": _shown(reconstruction, ".1f"),
        "kl": _shown(kl, ".1f"),
        "others": ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in terms.items()),
        "squared error": _shown(row["squared_error"], ".4f"),
        "nll": _shown(None if likelihood is None else -likelihood, ".1f"),
        "fid": _shown(found.get("frechet_distance"), ".1f"),
        "sampler": row["sampler"].replace("_", " "),
        "acc": _shown(clusters, ".2f"),
        "mig": _shown(found.get("mutual_information_gap"), ".2f"),
    }


def _shown(value, digits):
    return "" if value is None else format(value, digits)


def baseline(dataset):
    """Describes the reconstruction by the mean of all examples, and by the examples themselves."""
    import keras_ae as kae

    x = kae.datasets.load(dataset, split="train")[0].astype(np.float64)
    mean = x.mean(axis=0)
    reconstruction, least = (_cross_entropy(x, np.clip(shown, 1e-7, 1 - 1e-7)) for shown in (mean, x))
    return (
        f"The mean of all examples has a reconstruction of {reconstruction:.1f} nats and a squared error of "
        f"{np.mean((x - mean) ** 2):.4f}. A perfect reconstruction has {least:.1f} nats, because gray levels have an "
        "entropy under a Bernoulli likelihood."
    )


def _cross_entropy(x, p):
    return -np.mean(np.sum(x * np.log(p) + (1 - x) * np.log1p(-p), axis=(1, 2, 3)))


def report():
    """Writes the results of all models into docs/zoo.md."""
    from keras_ae.explore import save as save_figure
    from keras_ae.models import MODELS

    found, before = (
        {path.stem: json.loads(path.read_text()) for path in (RESULTS / training).glob("*.json")}
        for training in ("now", "before")
    )
    rows = [found[name] for name in MODELS if name in found]
    images = ROOT / "docs" / "images"
    for kind in ("reconstructions", "samples"):
        save_figure(figure(rows, kind), images / f"zoo_{kind}.png")
    of, document = rows[0], ROOT / "docs" / "zoo.md"
    kind = f"{processors(of['machine'])}, no GPU"
    packages = ", ".join(f"{name} {version}" for name, version in of["versions"].items())
    protocol = f"{of['dataset']}, {of['num_examples']:,} examples, {of['epochs']} epochs; {kind}. {packages}."
    missing = ", ".join(f"`{cls.__name__}`" for name, cls in MODELS.items() if name not in found)
    note = f"\n\nNot measured yet: {missing}." if missing else ""
    protocol += f"\n\n{baseline(of['dataset'])}"
    document.write_text(replace(document.read_text(), "zoo", f"{protocol}\n\n{table(rows, before)}{note}"))
    print(document)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="short names of models, separated by commas")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--training", choices=TRAININGS, default="now", help="the defaults now, or those before")
    parser.add_argument("--again", action="store_true", help="train models with results again")
    parser.add_argument("--report", action="store_true", help="write the results into docs/zoo.md")
    parser.add_argument("--train", metavar="MODEL", help="train one model in this process")
    arguments = parser.parse_args(arguments)
    folder = RESULTS / arguments.training
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.report:
        return report()
    if arguments.train:
        return save(folder, *train(arguments.train, arguments.dataset, arguments.epochs, arguments.training))
    from keras_ae.models import MODELS

    names = arguments.only.split(",") if arguments.only else list(MODELS)
    for name in names:
        path = folder / f"{name}.json"
        if path.exists() and not arguments.again:
            continue
        same = ["--dataset", arguments.dataset, "--epochs", str(arguments.epochs), "--training", arguments.training]
        process = subprocess.run([sys.executable, __file__, "--train", name, *same], stderr=subprocess.PIPE, text=True)
        if process.returncode:
            print(f"{name}: {process.stderr.strip().splitlines()[-1]}")
            continue
        row = json.loads(path.read_text())
        terms = "  ".join(f"{key} {value:.2f}" for key, value in row["terms"].items())
        print(f"{name:22} {row['seconds']:4.0f} s  {terms}  squared error {row['squared_error']:.4f}", flush=True)


if __name__ == "__main__":
    main()
