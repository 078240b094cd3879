"""Statistics of the rounds: medians, ratios and verdicts. Pure functions of the results."""

import dataclasses
import statistics

from side_by_side.results import paired_ratio

from decoding.contestants import CONTESTANTS, OURS, SERVER

SERVER_RATIO = 10.0
INT8_SHARE, LARGE = 0.30, 500_000
INT8_BYTES = 250_000
DECODE = {1: 400, 256: 1800}  # microseconds of a call of model.decode, by rows


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The evaluation of a target.

    Args:
        text: the measurement.
        target: the target.
        reached: whether it was reached.
    """

    text: str
    target: str
    reached: bool


def find(results, rows, name):
    """Returns the results of a contestant for a number of rows, or `None`."""
    for case in results["cases"]:
        for part in case["contestants"]:
            if case["rows"] == rows and part["name"] == name:
                return part
    return None


def times(part, key):
    """Returns a percentile, `"p50"` or `"p99"`, in microseconds for each round."""
    return [row[key] for row in part["rounds"]]


def median(part, key):
    """Returns the median of a percentile over the rounds."""
    return statistics.median(times(part, key))


def ratio(results, rows, name):
    """Returns the time of a contestant relative to LiteRT in float32 on one thread, or `None`."""
    litert, other = find(results, rows, OURS), find(results, rows, name)
    return None if litert is None or other is None else paired_ratio(times(other, "p50"), times(litert, "p50"))


def names(results):
    """Returns the names of the participants, in the order of `CONTESTANTS`."""
    present = {part["name"] for case in results["cases"] for part in case["contestants"]}
    return [name for name in CONTESTANTS if name in present]


def sizes(results):
    """Returns {artifact: bytes} for the smallest number of rows."""
    found = {}
    for part in results["cases"][0]["contestants"]:
        found.setdefault(CONTESTANTS[part["name"]].artifact, part["bytes"])
    return found


def judge(results):
    """Returns the verdicts of the targets whose contestants participated."""
    return [*_speed(results), *_size(results)]


def _speed(results):
    others = [name for name in names(results) if CONTESTANTS[name].runner != "litert"]
    ratios = {name: ratio(results, 1, name) for name in others}
    ratios = {name: value for name, value in ratios.items() if value is not None}
    ours = "one picture a call, LiteRT fp32 with 1 thread is"
    if ratios:
        name = min(ratios, key=ratios.get)
        value = round(ratios[name], 2)
        text = f"{ours} {value:.2f} x as fast as the fastest that is not LiteRT ({CONTESTANTS[name].label})"
        yield Verdict(text, "1.00", value >= 1.0)
    if SERVER in ratios:
        value = round(ratios[SERVER], 1)
        text = f"{ours} {value:.1f} x as fast as the SavedModel signature"
        yield Verdict(text, f"{SERVER_RATIO:.1f}", value >= SERVER_RATIO)
    for rows, most in DECODE.items():
        part = find(results, rows, "decode")
        if part is not None:
            value = round(median(part, "p50"))
            what = "one code" if rows == 1 else f"{rows} codes"
            yield Verdict(f"model.decode of {what} takes {value:,} us", f"at most {most:,} us", value <= most)


def _size(results):
    found = sizes(results)
    whole, small = (found.get(f"{quantize}-{{rows}}.tflite") for quantize in ("none", "int8"))
    if whole is not None and small is not None and whole > LARGE:
        share = round(small / whole, 3)
        text = f"the int8 file has {share:.3f} of the bytes of the fp32 one"
        yield Verdict(text, f"at most {INT8_SHARE:.2f}", share <= INT8_SHARE)
    if small is not None:
        text = f"the int8 file has {small / 1000:.0f} kB"
        yield Verdict(text, f"below {INT8_BYTES / 1000:.0f} kB", small < INT8_BYTES)
