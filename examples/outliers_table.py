"""Fraud in a table of payments: a few rows with unusual combinations of values, each of which is common by itself.

A detector is trained on last month's payments, which nobody has labeled. The report names the most unusual columns of
each row, and the false discovery rate says how many of the reported rows to expect to be legitimate.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--out", type=Path, default=Path("runs/examples/outliers_table"))
arguments = parser.parse_args()

FRAUDS = ("too much for this customer", "few items for the amount", "at an unusual hour")
COLUMNS = ["log amount", "usual log amount", "items", "hour", "usual hour"]
rng = np.random.default_rng(0)


def payments(num):
    """Rows [num, 5]: amount, number of items and hour follow the habits of a customer."""
    amount, hour = rng.normal(3.0, 1.0, num), rng.normal(14.0, 3.0, num)
    spent = rng.normal(amount, 0.3)
    items = 4.0 + 1.5 * spent + rng.normal(0.0, 0.5, num)
    return np.stack([spent, amount, items, rng.normal(hour, 0.8), hour], axis=1)


def fraud(num):
    """Payments that do not fit, of the three `FRAUDS` in turn."""
    rows, kind = payments(num), np.arange(num) % 3
    rows[kind == 0, 1] -= 2.0
    rows[kind == 1, 2] -= 4.0
    rows[kind == 2, 3] += 7.0
    return rows


arguments.out.mkdir(parents=True, exist_ok=True)
usual, new = payments(10_000), np.concatenate([payments(3000), fraud(30)])
is_fraud = np.arange(len(new)) >= 3000
for name, rows in (("usual", usual), ("new", new)):
    with open(arguments.out / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows.round(4).tolist()])

usual, _ = kae.datasets.load(arguments.out / "usual.csv")
new = kae.datasets.Chunks(arguments.out / "new.csv")  # read in parts: the table may be larger than memory
detector = kae.outliers.OutlierDetector(held_out=0.4, epochs=arguments.epochs, random_state=0).fit(usual)
found = kae.outliers.report(
    detector, new, usual, out=arguments.out / "report", data={"name": "payments"}, columns=new.columns
)

flagged = found.scores > found.threshold
print(f"at 1% false alarms: {flagged[is_fraud].sum()} of 30 frauds, {flagged[~is_fraud].sum()} of 3000 others")
reported = kae.outliers.discoveries(found.p_values, 0.2)
print(f"at 20% false discoveries: {reported[is_fraud].sum()} of 30 frauds, {reported[~is_fraud].sum()} others")
quality = {each.name: each for each in kae.outliers.detection_metrics(found.scores[~is_fraud], found.scores[is_fraud])}
print(f"AUROC {quality['auroc'].value:.4f}")

rows = [next(row for row in found.strangest(len(found)) if row in range(3000 + kind, 3030, 3)) for kind in range(3)]
why = kae.outliers.explain(detector, np.concatenate([x for x, _ in new])[rows], usual)
average = kae.outliers.explain(detector, usual[:1000], usual).deviance.mean(axis=0)
figure = Figure(figsize=(10, 2.8), dpi=110, facecolor="white", layout="constrained")
axes = figure.subplots(1, 3, sharey=True)
for place, row, nats in zip(axes, rows, why.deviance - average, strict=True):
    place.barh(COLUMNS[::-1], np.maximum(nats, 0.0)[::-1], color="#d55e00")
    place.set_title(f"row {row}: {FRAUDS[(row - 3000) % 3]}", fontsize=9)
    place.set_xlabel("nats above usual", fontsize=9)
    place.spines[["top", "right"]].set_visible(False)
    place.tick_params(labelsize=9)
print(kae.explore.save(figure, arguments.out / "reasons.png"))
