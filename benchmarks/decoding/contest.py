"""Runs a case, a number of rows a call: everyone starts, is checked and warmed up, and then they take turns."""

import contextlib
import dataclasses
import json
import sys

import numpy as np
from side_by_side.contest import turn
from side_by_side.stopped_process import StoppedProcess

from decoding.contestants import CONTESTANTS
from decoding.subject import size, write_artifact, write_codes

_FEWEST, _MOST = 100, 20_000  # calls of a round
_TRIED = 20  # calls, to see how many a round takes
_LEAD_IN = 0.1  # of a round: calls that are not counted, after a stop that has emptied the caches


class WrongPictureError(RuntimeError):
    """A contestant does not decode what Keras does."""


@dataclasses.dataclass(frozen=True)
class Length:
    """How long a case takes.

    Args:
        rounds: how many; each begins with another contestant.
        seconds: of a turn, roughly; at least `fewest` calls.
        fewest: calls of a turn.
    """

    rounds: int
    seconds: float = 0.3
    fewest: int = _FEWEST

    def calls(self, times):
        """How many calls a turn has, from the microseconds that some calls took."""
        return int(np.clip(self.seconds / (1e-6 * np.median(times)), self.fewest, _MOST))


class Decoding(StoppedProcess):
    """A contestant that decodes when it is asked, and is stopped between.

    Args:
        contestant: the `Contestant`.
        artifact: what it loads.
        folder: that of the inputs, where it puts its pictures.
        rows: of a call.
        cores: how many cores it may use.
    """

    def __init__(self, contestant, artifact, *, folder, rows, cores):
        self.out = folder / f"{contestant.name}-{rows}.f32"
        given = {
            "runner": contestant.runner,
            "artifact": artifact,
            "inputs": folder / f"inputs-{rows}.npz",
            "out": self.out,
            "options": json.dumps(contestant.options),
        }
        command = [sys.executable, "-m", "decoding.runners", *(f"--{name}={value}" for name, value in given.items())]
        super().__init__(command, (contestant.label, f"batch {rows}"), folder=folder, cores=cores)

    def pictures(self):
        """What it decoded first: to be called once, before `times`."""
        shape = [int(length) for length in self.hear().split()]
        return np.fromfile(self.out, np.float32).reshape(shape)

    def times(self, calls):
        """The microseconds of so many calls."""
        return np.array([float(text) for text in self.ask(calls).split()])


def run_case(model, names, rows, *, folder, cores, length, told=lambda text: None):
    """Lets contestants decode in turn.

    Args:
        model: the keras_ae model.
        names: those of the contestants.
        rows: of a call.
        folder: `pathlib.Path`, where exports are, or are put.
        cores: how many cores each may use.
        length: a `Length`.
        told: function that is told what happens, for a progress bar.

    Returns:
        Dictionary for the results, with the rounds of each contestant: plain numbers, lists and text.

    Raises:
        WrongPictureError: where pictures are not those of Keras.
        ContestantError: where a process ends.
    """
    expected = write_codes(model, folder, rows)
    parts, calls = {name: {"name": name, "rounds": []} for name in names}, {}
    with contextlib.ExitStack() as stack:
        processes = {}
        for name in names:
            told(f"Batch {rows}: {CONTESTANTS[name].label} starts")
            artifact = write_artifact(model, CONTESTANTS[name], folder, rows)
            process = Decoding(CONTESTANTS[name], artifact, folder=folder, rows=rows, cores=cores)
            processes[name] = stack.enter_context(process)
            error = check(CONTESTANTS[name], process.pictures(), expected)
            calls[name] = length.calls(process.times(_TRIED)[_TRIED // 2 :])
            process.times(calls[name])  # warm-up
            parts[name] |= {"bytes": size(artifact), "error": error}
        for number in range(length.rounds):
            for name in turn(names, number):
                told(f"Batch {rows}: round {number + 1} of {length.rounds}, {CONTESTANTS[name].label}")
                parts[name]["rounds"].append(summary(processes[name], calls[name]))
    return {"rows": rows, "contestants": list(parts.values())}


def summary(process, calls):
    """A turn: {"p50", "p99", "calls"}, in microseconds a call."""
    lead_in = max(1, int(_LEAD_IN * calls))
    p50, p99 = np.percentile(process.times(lead_in + calls)[lead_in:], [50, 99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "calls": calls}


def check(contestant, found, expected):
    """The largest difference to the pictures of Keras, where it is small enough: as small as an export must have it."""
    from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, ROUNDED_TOLERANCE

    if found.shape != expected.shape:
        raise WrongPictureError(f"{contestant.label} gives pictures {found.shape}, Keras {expected.shape}.")
    difference = np.abs(found.astype(np.float64) - expected)
    if contestant.quantize == "none":
        error, limit = difference.max(), FLOAT_TOLERANCE * np.abs(expected).max()
    else:
        error, limit = np.sqrt(np.mean(difference**2)), ROUNDED_TOLERANCE * expected.std()
    if not error <= limit:  # NaN is an error too
        raise WrongPictureError(f"{contestant.label} differs from Keras by {error:.2g}, more than {limit:.2g}.")
    return float(difference.max())
