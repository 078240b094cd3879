"""The figure of the inference benchmark: a panel of times for each number of rows, and one of sizes."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from side_by_side.machine import processors

from decoding.contestants import CONTESTANTS, OURS
from decoding.results import INT8_BYTES, find, median, names, ratio, sizes
from decoding.tables import factor, us

_LITERT, _TENSORFLOW, _KERAS = "#d95f02", "#6a51a3", "#777777"
_COLORS = {
    "litert": _LITERT,
    "onnx": "#1f77b4",
    "torch_eager": "#2ca02c",
    "c_api": _TENSORFLOW,
    "saved_model": _TENSORFLOW,
    "keras_decode": _KERAS,
    "keras_predict": _KERAS,
}
_FAMILIES = {
    _LITERT: "LiteRT",
    "#1f77b4": "ONNX Runtime",
    "#2ca02c": "PyTorch",
    _TENSORFLOW: "TensorFlow, from a SavedModel",
    _KERAS: "Keras",
}
_FORMATS = {
    "none-{rows}.tflite": "LiteRT fp32",
    "fp16-{rows}.tflite": "LiteRT fp16",
    "dynamic-{rows}.tflite": "LiteRT dynamic",
    "int8-{rows}.tflite": "LiteRT int8",
    "decoder.onnx": "ONNX",
    "torch.npz": "PyTorch, weights",
    "saved_model": "SavedModel*",
    "model.keras": ".keras*",
}
_SMALL = {"fontsize": 8.5, "va": "center"}


def picture(results):
    """Returns a `matplotlib.figure.Figure`."""
    cases, present = results["cases"], names(results)
    height = max(4.0, 2.3 + 0.27 * len(present))
    figure = Figure(figsize=(5.6 * len(cases) + 3.6, height), dpi=120, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    panels = figure.subplots(1, len(cases) + 1, width_ratios=[*[1.0] * len(cases), 0.7], squeeze=False)[0]
    for axes, case in zip(panels, cases, strict=False):
        _times(axes, results, case["rows"])
    _sizes(panels[-1], results)
    widths = "-".join(map(str, results["model"]["widths"]))
    figure.suptitle(
        f"How long the decoder of an MNIST CVAE ({widths}) takes: {processors(results['machine'])}, no GPU",
        fontsize=12,
    )
    used = {_COLORS[CONTESTANTS[name].runner] for name in present}
    handles = [Patch(color=color, label=label) for color, label in _FAMILIES.items() if color in used]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def _times(axes, results, rows):
    """Draws medians as points with lines to the 99th percentile, the fastest on top, with the numbers beside them."""
    present = [name for name in names(results) if find(results, rows, name) is not None]
    present.sort(key=lambda name: median(find(results, rows, name), "p50"), reverse=True)
    side, top = axes.get_yaxis_transform(), len(present) - 0.1
    for place, name in enumerate(present):
        low, high = (median(find(results, rows, name), key) for key in ("p50", "p99"))
        color, relative = _COLORS[CONTESTANTS[name].runner], ratio(results, rows, name)
        axes.plot([low, high], [place, place], color=color, linewidth=1.8, alpha=0.45, solid_capstyle="butt")
        axes.plot(low, place, marker="o", color=color, markersize=6.5)
        axes.text(1.19, place, us(low), transform=side, ha="right", **_SMALL)
        if relative is not None:
            axes.text(1.35, place, factor(relative), transform=side, ha="right", **_SMALL)
        if name == OURS:
            axes.axvline(low, color=_LITERT, linewidth=0.8, linestyle=":", zorder=0)
    for right, heading in ((1.19, "us"), (1.35, "ratio")):
        axes.text(right, top, heading, transform=side, ha="right", color="#666666", **_SMALL)
    axes.set_yticks(range(len(present)), [CONTESTANTS[name].label for name in present], fontsize=9)
    for tick, name in zip(axes.get_yticklabels(), present, strict=True):
        tick.set_fontweight("bold" if name == OURS else "normal")
    axes.set_ylim(-0.6, top)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="x", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title("one picture a call" if rows == 1 else f"{rows} pictures a call", fontsize=10.5)
    axes.set_xlabel("microseconds a call: median, line to 99th percentile\nratio: to LiteRT fp32, 1 thread", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _sizes(axes, results):
    """Draws bars of kB, with the target for the int8 file."""
    found = sizes(results)
    present = [artifact for artifact in _FORMATS if artifact in found][::-1]
    runners = {contestant.artifact: contestant.runner for contestant in CONTESTANTS.values()}
    kilobytes = [found[artifact] / 1000 for artifact in present]
    axes.barh(range(len(present)), kilobytes, color=[_COLORS[runners[artifact]] for artifact in present], height=0.6)
    for place, value in enumerate(kilobytes):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # over the dashed line
        axes.text(value + 0.03 * max(kilobytes), place, f"{value:,.0f}", bbox=box, **_SMALL)
    if "int8-{rows}.tflite" in present:
        limit = INT8_BYTES / 1000
        axes.axvline(limit, color="#444444", linewidth=1, linestyle="--", zorder=0)
        target = f" target for int8: below {limit:.0f}"
        axes.text(limit, len(present) - 0.4, target, color="#444444", **_SMALL)
        kilobytes.append(limit)
    axes.set_yticks(range(len(present)), [_FORMATS[artifact] for artifact in present], fontsize=9)
    axes.set_xlim(0, max(kilobytes) * 1.2)
    axes.set_ylim(-0.6, len(present) - 0.1)
    axes.set_title("size of the loaded files", fontsize=10.5)
    axes.set_xlabel("kB\n* with the encoder", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
