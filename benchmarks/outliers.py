"""Compares the default outlier detector with PyOD's, and counts its false alarms, for docs/outliers.md.

    python benchmarks/outliers.py                        # all of it; continues where it was interrupted
    python benchmarks/outliers.py --only tables --seeds 0
    python benchmarks/outliers.py --only speed

Every detector has its defaults, and sees no outlier except where the table says so. The measure is the area under
the ROC curve. Results are kept in a file, one for each task, detector and seed; a finished one is not computed again.
Detectors without random numbers have one seed. `--peer-images` limits the training images of PyOD's detectors.
"""

import argparse
import functools
import json
import pathlib
import shlex
import sys
import tempfile
import time

import numpy as np
from outlier_tasks import KINDS
from report import ROOT, replace
from scipy.stats import betabinom, binom, rankdata
from side_by_side.machine import cores, machine, versions
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score

import keras_ae as kae
from keras_ae.io.writing import replacing

RESULTS = ROOT / "benchmarks" / "results" / "outliers.json"
DOCUMENT = ROOT / "docs" / "outliers.md"
PEERS = ("IForest", "ECOD", "LOF", "KNN", "AutoEncoder", "VAE")
WITHOUT_CHANCE = ("ECOD", "LOF", "KNN")
ALARMS = {"rows": 20_000, "held_out": 0.5, "fresh": 1000, "rate": 0.01}


def detector(name, seed):
    """Returns a function from training examples to a function from examples to scores."""
    if name == "keras_ae":
        return lambda x: _negative(kae.outliers.OutlierDetector(random_state=seed).fit(x).score_samples)
    from pyod.models.auto_encoder import AutoEncoder
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from pyod.models.lof import LOF
    from pyod.models.vae import VAE

    made = {
        "IForest": lambda: IForest(random_state=seed),
        "ECOD": ECOD,
        "LOF": LOF,
        "KNN": KNN,
        "AutoEncoder": lambda: AutoEncoder(random_state=seed, verbose=0),
        "VAE": lambda: VAE(random_state=seed, verbose=0),
    }[name]()

    def fit(x):
        made.fit(x.reshape(len(x), -1))
        return lambda x: made.decision_function(x.reshape(len(x), -1))

    return fit


def _negative(function):
    return lambda x: -function(x)


def measured(fit, training, usual, outliers):
    """{outliers: area under the ROC curve}, and the seconds."""
    start = time.perf_counter()
    score = fit(training)
    found = {"fit_seconds": round(time.perf_counter() - start, 1)}
    for name, each in outliers.items():
        scores = score(np.concatenate([usual, each]))  # in one call: a score of ECOD depends on the other rows
        found[name] = round(float(roc_auc_score(np.arange(len(scores)) >= len(usual), scores)), 4)
    return found


def false_alarms(seed):
    """Fits the default detector to rows of 6 dependent columns, and counts how many fresh rows it flags."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=[3, 6])

    def draw(num):
        return np.tanh(rng.normal(size=[num, 3])) @ mix + 0.1 * rng.standard_t(4, size=[num, 6])

    found = kae.outliers.OutlierDetector(held_out=ALARMS["held_out"], random_state=seed).fit(draw(ALARMS["rows"]))
    flagged = found.flag(draw(ALARMS["fresh"]), false_alarms=ALARMS["rate"])
    return {"flagged": int(flagged.sum()), "calibration": len(found.calibration_)}


def contaminated(name, share, seed):
    """Fits the default detector to rows with a known share of outliers, and tests new rows."""
    rng, data = np.random.default_rng(seed), load_breast_cancer() if name == "breast cancer" else load_digits()
    if name == "breast cancer":
        usual, odd = data.data[data.target == 1], data.data[data.target == 0]
    else:
        images = data.images[..., np.newaxis] / 16.0
        usual, odd = images[:1000], 1.0 - images[1000:]
    usual, odd = (each[rng.permutation(len(each))] for each in (usual, odd))
    cut = int(0.6 * len(usual))
    among = round(share / (1.0 - share) * cut)
    found = kae.outliers.OutlierDetector(contamination=max(share, 0.01), random_state=seed)
    labels = found.fit_predict(np.concatenate([usual[:cut], odd[:among]]))
    usual, odd = usual[cut:], odd[among:]
    scores = -found.score_samples(np.concatenate([usual, odd]))
    rates = {"usual": usual, "odd": odd}
    return {
        "auroc": float(roc_auc_score(np.arange(len(scores)) >= len(usual), scores)),
        "found in training": float(np.mean(labels[cut:] == -1)) if among else None,
        **{f"predict, {kind}": float(np.mean(found.predict(each) == -1)) for kind, each in rates.items()},
        **{f"flag, {kind}": float(np.mean(found.flag(each, false_alarms=0.05))) for kind, each in rates.items()},
    }


class Results:
    """What was measured, in a file that is written after every measurement."""

    def __init__(self, path):
        self.path = path
        self.known = json.loads(path.read_text()) if path.is_file() else {}

    def of(self, key, compute, progress=""):
        if key not in self.known:
            start = time.perf_counter()
            self.known[key] = compute()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                temporary.write_text(json.dumps(self.known, indent=1))
            print(f"{progress} {key} {time.perf_counter() - start:.0f} s {json.dumps(self.known[key])}", flush=True)
        return self.known[key]


def compare(kind, given, results):
    """Measures every detector on the tasks of one kind: {(task, outliers): {detector: median over seeds}}."""
    names = [name for name in ("keras_ae", *PEERS) if name in given.detectors]
    rows = {}
    for number, (task, total, make) in enumerate(KINDS[kind](given.images, given.test)):
        make = functools.cache(make)  # not loaded if nothing of it is left to measure
        for name in names:
            seeds = given.seeds if name == "keras_ae" else given.peer_seeds or given.seeds
            for seed in seeds[:1] if name in WITHOUT_CHANCE else seeds:

                def compute(name=name, seed=seed, make=make):
                    training, usual, outliers = make()
                    if name != "keras_ae" and training.ndim == 4:
                        training = training[: given.peer_images]
                    return measured(detector(name, seed), training, usual, outliers)

                found = results.of(f"{task}|{name}|{seed}", compute, f"{kind} {number + 1}/{total}")
                for outliers, value in found.items():
                    if outliers != "fit_seconds":
                        rows.setdefault((task, outliers), {}).setdefault(name, []).append(value)
    return {row: {name: float(np.median(values)) for name, values in cells.items()} for row, cells in rows.items()}


def table(rows, first):
    """Rows as Markdown; the best value of each is bold, where there are several."""
    names = list(next(iter(rows.values())))
    lines = [f"| {' | '.join(first)} | {' | '.join(names)} |", f"|{'---|' * len(first)}{'---:|' * len(names)}"]
    for row, cells in rows.items():
        best = max(round(value, 3) for value in cells.values()) if len(names) > 1 else None
        values = [f"**{cells[name]:.3f}**" if round(cells[name], 3) == best else f"{cells[name]:.3f}" for name in names]
        lines.append(f"| {' | '.join(row[: len(first)])} | {' | '.join(values)} |")
    return lines


def with_mean(rows, name):
    """Rows, and their means."""
    names = list(next(iter(rows.values())))
    return {**rows, (name, ""): {each: float(np.mean([row[each] for row in rows.values()])) for each in names}}


def images(given, results):
    return table(compare("images", given, results), ("Trained on", "Outliers"))


def one_class(given, results):
    return table(with_mean(compare("one-class", given, results), "**mean**"), ("Trained on",))


def tables(given, results):
    rows = compare("tables", given, results)
    names = list(next(iter(rows.values())))
    ranks = np.mean([rankdata([-round(row[name], 3) for name in names]) for row in rows.values()], axis=0)
    mean = " | ".join(f"{rank:.2f}" for rank in ranks)
    return [*table(rows, ("Table", "Outliers")), f"| **mean rank** | | {mean} |"]


def alarms(given, results):
    found = [results.of(f"false alarms|keras_ae|{s}", lambda s=s: false_alarms(s), f"{s + 1}/20") for s in range(20)]
    counts, held = [each["flagged"] for each in found], found[0]["calibration"]
    num, rate = ALARMS["fresh"], ALARMS["rate"]
    # P(a p-value <= rate) given the calibration scores has a beta distribution.
    passing = int(np.floor(rate * (held + 1)))
    lines = [f"Flagged of {num:,} fresh examples, seeds 0 to 19: {', '.join(map(str, counts))}.", ""]
    for name, law in (
        ("binomial law", binom(num, rate)),
        (
            f"beta-binomial law for {held:,} calibration examples",
            betabinom(num, passing, held + 1 - passing),
        ),
    ):
        for level, words in ((0.95, "95% interval"), (1 - 0.05 / 20, "99.75% interval (95% for all 20 together)")):
            low, high = law.interval(level)
            inside = sum(low <= count <= high for count in counts)
            lines.append(f"- {inside} of 20 are within the {words} of the {name}: {low:.0f} to {high:.0f}.")
    return lines


def contamination(given, results):
    lines = [
        "| Usual and outliers | Share in `fit` | AUROC, new rows | Found in `fit` by `predict` | "
        "New outliers: `predict`, `flag` at 5% | New usual rows: `predict`, `flag` at 5% |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in ("breast cancer", "digits, inverted"):
        for share in (0.0, 0.01, 0.05, 0.1):
            keys = [(f"contamination|{name}|{share:g}|{seed}", seed) for seed in given.seeds]
            each = [results.of(key, lambda n=name, s=share, seed=seed: contaminated(n, s, seed)) for key, seed in keys]
            value = {key: None if each[0][key] is None else np.median([run[key] for run in each]) for key in each[0]}
            pairs = [" and ".join(f"{value[f'{how}, {what}']:.2f}" for how in ("predict", "flag")) for what in _NEW]
            known = "" if value["found in training"] is None else f"{value['found in training']:.2f}"
            lines.append(f"| {name} | {100 * share:g}% | {value['auroc']:.3f} | {known} | {' | '.join(pairs)} |")
    return lines


_NEW = ("odd", "usual")


def speed(given, results):
    found = results.of("speed|keras_ae|0", measured_speed)
    return [
        f"Python: {found['per_second']:,.0f} scores a second for {found['images']:,} images of MNIST (median of "
        f"{found['rounds']}), {found['per_core_second']:,.0f} for each second of one core. LiteRT, one thread: "
        f"{found['score_us']:.0f} us for the score of one image, {found['reconstruct_us']:.0f} us for its "
        f"reconstruction, {found['score_us'] / found['reconstruct_us']:.2f} times."
    ]


def measured_speed(rounds=7):
    """The scores a second in Python, and what a score costs in LiteRT, on one thread, compared with `reconstruct`."""
    from ai_edge_litert.interpreter import Interpreter

    x, _ = kae.datasets.load("mnist", split="train")
    found = kae.outliers.OutlierDetector(random_state=0, epochs=1).fit(x)  # longer training takes as long to score
    found.score_samples(x[:500])  # warm
    start = time.process_time()
    seconds = [_seconds(lambda: found.score_samples(x)) for _ in range(rounds)]
    used = (time.process_time() - start) / rounds
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "detector.tflite"
        kae.export.litert(found, path, signatures=("reconstruct", "score"))
        interpreter = Interpreter(str(path), num_threads=1)
    runners = {name: interpreter.get_signature_runner(name) for name in ("reconstruct", "score")}
    times = {name: [] for name in runners}
    for row in range(2000):
        for name, runner in runners.items():
            times[name].append(_seconds(lambda runner=runner, row=row: runner(x=x[row : row + 1])))
    medians = {f"{name}_us": 1e6 * float(np.median(times[name])) for name in runners}
    per_second = {"per_second": len(x) / float(np.median(seconds)), "per_core_second": len(x) / used}
    return {"images": len(x), "rounds": rounds, **per_second, **medians}


def _seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


SECTIONS = {
    "images": images,
    "one-class": one_class,
    "tables": tables,
    "false-alarms": alarms,
    "contamination": contamination,
    "speed": speed,
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--detectors", nargs="+", default=["keras_ae", *PEERS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--peer-seeds", type=int, nargs="+", help="seeds of PyOD's detectors; default: as --seeds")
    parser.add_argument("--images", type=int, default=60_000, help="images to train on, at most")
    parser.add_argument("--peer-images", type=int, default=10_000, help="the same for PyOD's detectors")
    parser.add_argument("--test", type=int, default=2000, help="usual images, and outliers of each kind, at most")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--document", type=pathlib.Path, default=DOCUMENT)
    given = parser.parse_args(arguments)
    command = shlex.join(["python", "benchmarks/outliers.py", *(sys.argv[1:] if arguments is None else arguments)])
    results, of = Results(given.results), machine(cores())
    packages = ("keras_ae", "tensorflow", "keras", "scikit-learn", "pyod", "torch")
    kind = f"{of['cores']} core{'s' if of['cores'] > 1 else ''} of {of['processor']}; " + ", ".join(
        f"{k} {v}" for k, v in versions(packages).items()
    )
    for name in given.only:
        lines = [f"`{command}`, {kind}.", "", *SECTIONS[name](given, results)]
        given.document.write_text(replace(given.document.read_text(), name, "\n".join(lines)))
    print(given.document)


if __name__ == "__main__":
    main()
