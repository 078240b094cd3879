"""Faults in windows of two machine sensors: vibration and temperature, which follow the same load.

A detector is trained on windows without faults. It flags windows with a fault, even if each sensor looks usual by
itself, and a test of drift shows when the whole machine has changed.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=120)
parser.add_argument("--out", type=Path, default=Path("runs/examples/outliers_sequences"))
arguments = parser.parse_args()

STEPS, FAULTS = 48, ("spike", "frozen", "overheating", "out of step")
rng = np.random.default_rng(0)
time = np.linspace(0.0, 2.0 * np.pi, STEPS)


def windows(num):
    """Windows [num, 48, 2]: vibration follows the load, temperature follows it later and smoother."""
    phase, strength = rng.uniform(0.0, 2.0 * np.pi, (num, 1)), rng.uniform(0.7, 1.3, (num, 1))
    vibration = strength * np.sin(2.0 * time + phase) + rng.normal(0.0, 0.08, (num, STEPS))
    temperature = 60.0 + 8.0 * strength * np.sin(2.0 * time + phase - 0.8) + rng.normal(0.0, 0.4, (num, STEPS))
    return np.stack([vibration, temperature], axis=-1)


def faulty(num):
    """Windows with one of the faults each."""
    x, kind = windows(num), np.arange(num) % len(FAULTS)
    x[kind == 0, 20:22, 0] += 1.2
    x[kind == 1, 12:30, 1] = x[kind == 1, 12:13, 1]
    x[kind == 2, :, 1] += np.linspace(0.0, 6.0, STEPS)
    x[kind == 3, :, 1] = windows(num)[kind == 3, :, 1]  # of another load
    return x


arguments.out.mkdir(parents=True, exist_ok=True)
usual, new = windows(4000), np.concatenate([windows(1000), faulty(40)])
detector = kae.outliers.OutlierDetector(held_out=0.4, epochs=arguments.epochs, random_state=0).fit(usual)
names = ("vibration", "temperature")
found = kae.outliers.report(detector, new, usual, out=arguments.out / "report", data={"name": "machine"}, columns=names)

flagged = found.scores > found.threshold
print(f"in order: {flagged[:1000].sum()} of 1000 windows flagged at 1% false alarms")
for kind, name in enumerate(FAULTS):
    print(f"{name}: {flagged[1000 + kind :: len(FAULTS)].sum()} of 10 windows flagged")
warmer = windows(300)
warmer[..., 1] += 1.0
for state, batch in (("in order", new[:300]), ("a degree warmer", warmer)):
    print(f"drift, {state}: p-value {detector.drift(batch).p_value:.2g}")

scaling, shown = detector.scaling_, new[1000 : 1000 + len(FAULTS)]
expected = scaling.inverse(np.asarray(detector.model_.reconstruct(scaling(shown))))
figure = Figure(figsize=(10, 4), dpi=110, facecolor="white", layout="constrained")
axes = figure.subplots(2, len(FAULTS), sharex=True, sharey="row")
for column, fault in enumerate(FAULTS):
    axes[0, column].set_title(fault, fontsize=10)
    axes[1, column].set_xlabel("step", fontsize=9)
    for sensor, name in enumerate(names):
        place = axes[sensor, column]
        place.plot(shown[column, :, sensor], color="#0072b2", linewidth=1.6, label="window")
        place.plot(expected[column, :, sensor], color="#d55e00", linewidth=1.2, linestyle="--", label="expected")
        place.spines[["top", "right"]].set_visible(False)
        place.tick_params(labelsize=8)
        axes[sensor, 0].set_ylabel(name, fontsize=9)
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
print(kae.explore.save(figure, arguments.out / "faults.png"))
