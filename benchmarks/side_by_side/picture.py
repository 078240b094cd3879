"""The figure of the training benchmark: bars of ratios for each case, and curves over rows and width."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from side_by_side.contestants import CONTESTANTS
from side_by_side.results import OURS, quartiles, rows, speeds
from side_by_side.tables import TITLES, shares_table

_KERAS_AE, _OTHERS = "#d95f02", "#9db4c8"
_TITLES = {  # shorter ones
    **TITLES,
    "mlp-128": "MLP, batch 128",
    "mlp-512": "MLP, batch 512",
    "conv": "convolutional",
    "iwae": "IWAE, k = 50",
}
_LINES = {
    "keras_ae": {"color": _KERAS_AE, "marker": "o", "linewidth": 2.2},
    "keras-jit": {"color": "#1f77b4", "marker": "s"},
    "xla-loop": {"color": "#555555", "marker": "^", "linestyle": "--"},
    "torch-compile": {"color": "#2ca02c", "marker": "D"},
    "torch": {"color": "#9467bd", "marker": "v"},
}


def picture(results):
    """Returns a `matplotlib.figure.Figure`: one panel per case above, the curves below."""
    bars = [case for case in results["cases"] if not shares_table(case)]
    curves = [g for g in ("size", "width") if any(case["group"] == g for case in results["cases"])]
    grid = [case["task"]["batch_size"] for case in results["cases"] if case["group"] == "grid"]
    curves = [*((group, None) for group in curves), *(("grid", batch) for batch in dict.fromkeys(grid))]
    heights = ([3.2] if bars else []) + ([3.6] if curves else [])
    figure = Figure(figsize=(13, sum(heights) + 0.5), dpi=120, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    parts = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=True))
    if bars:
        panels = parts[0].subplots(1, len(bars), squeeze=False)[0]
        for axes, case in zip(panels, bars, strict=True):
            _bars(axes, results, case["task"]["name"])
    if curves:
        panels = parts[-1].subplots(1, len(curves), squeeze=False)[0]
        for axes, (group, batch) in zip(panels, curves, strict=True):
            _curves(axes, results, group, batch)
    kind = results["machine"]
    figure.suptitle(f"Examples a second in training, {kind['cores']} cores, {kind['processor']}", fontsize=12)
    return figure


def _bars(axes, results, name):
    """Draws speeds relative to keras_ae, the fastest on top, with the examples per second beside each bar."""
    table = rows(results, name)
    fastest = max(row["median"] for row in table)
    # Ratios are paired by rounds: 1 / (speed of keras_ae / speed of the contestant).
    lengths = [1.0 / row["ratio"] if row["ratio"] else row["median"] / fastest for row in table]
    lengths, table = zip(*sorted(zip(lengths, table, strict=True), key=lambda pair: pair[0]), strict=True)
    colors = [_KERAS_AE if row["name"] == OURS else _OTHERS for row in table]
    axes.barh(range(len(table)), lengths, color=colors, height=0.72)
    for place, (row, length) in enumerate(zip(table, lengths, strict=True)):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # over the dotted line
        axes.text(length + 0.03 * max(lengths), place, f"{row['median']:,.0f}/s", va="center", fontsize=8.5, bbox=box)
    axes.set_yticks(range(len(table)), [CONTESTANTS[row["name"]].label for row in table], fontsize=9)
    axes.set_xlim(0, max(lengths) * 1.4)
    axes.axvline(1.0, color=_KERAS_AE, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_title(_TITLES.get(name, name), fontsize=10.5)
    axes.set_xlabel("speed, keras_ae = 1", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _curves(axes, results, group, batch):
    """Draws seconds per epoch over the rows, or examples per second over the width, with logarithmic axes."""
    cases = [case for case in results["cases"] if case["group"] == group]
    cases = [case for case in cases if batch is None or case["task"]["batch_size"] == batch]
    names = [part["name"] for part in cases[0]["contestants"]]
    places = [case["task"]["num_examples"] if group == "size" else case["task"]["hidden"][0] for case in cases]
    for number, name in enumerate(names):
        medians = [quartiles(speeds(case["contestants"][number]))[1] for case in cases]
        if group == "size":
            medians = [rows_ / speed for rows_, speed in zip(places, medians, strict=True)]
        style = {"linewidth": 1.4, "markersize": 5, **_LINES.get(name, {})}
        axes.plot(places, medians, label=CONTESTANTS[name].label, **style)
        if group == "size" and name == OURS:
            line = [medians[-1] * place / places[-1] for place in places]
            axes.plot(places, line, color="#bbbbbb", linewidth=1, zorder=0, label="in proportion to the rows")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_xlabel("rows of data" if group == "size" else "width of the hidden layers")
    title = "seconds an epoch" if group == "size" else "examples a second"
    axes.set_title(title if batch is None else f"{title}, batch {batch:,}", fontsize=10.5)
    axes.grid(color="#e8e8e8", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
