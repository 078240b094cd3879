"""Runs a case, which is a number of rows per call: contestants are checked and warmed up, and then take turns."""

import contextlib
import dataclasses
import json
import sys

import numpy as np
from side_by_side.contest import turn
from side_by_side.stopped_process import StoppedProcess

from decoding.contestants import CONTESTANTS
from decoding.subject import size, write_artifact, write_codes

_FEWEST, _MOST = 100, 20_000  # calls per round
_TRIED = 20  # calls to determine the number of calls per round
_LEAD_IN = 0.1  # fraction of untimed calls in a round, which fill the caches after a stop


class WrongPictureError(RuntimeError):
    """The images of a contestant differ from Keras' images."""


@dataclasses.dataclass(frozen=True)
class Length:
    """The length of a case.

    Args:
        rounds: number of rounds; each begins with another contestant.
        seconds: approximate duration of a turn.
        fewest: minimum number of calls in a turn.
    """

    rounds: int
    seconds: float = 0.3
    fewest: int = _FEWEST

    def calls(self, times):
        """Returns the number of calls in a turn, from the microseconds of some calls."""
        return int(np.clip(self.seconds / (1e-6 * np.median(times)), self.fewest, _MOST))


class Decoding(StoppedProcess):
    """A contestant that decodes on request, and is stopped otherwise.

    Args:
        contestant: the `Contestant`.
        artifact: path of the file or folder that it loads.
        folder: folder of the inputs, for its images.
        rows: rows per call.
        cores: number of cores it may use.
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
        """Returns the images of its first call; call this once, before `times`."""
        shape = [int(length) for length in self.hear().split()]
        return np.fromfile(self.out, np.float32).reshape(shape)

    def times(self, calls):
        """Returns the microseconds of a number of calls."""
        return np.array([float(text) for text in self.ask(calls).split()])


def run_case(model, names, rows, *, folder, cores, length, progress=lambda text: None):
    """Runs the contestants of a case in turn.

    Args:
        model: the keras_ae model.
        names: names of the contestants.
        rows: rows per call.
        folder: `pathlib.Path` of the exports; missing ones are written.
        cores: number of cores for each contestant.
        length: a `Length`.
        progress: function of a text for a progress bar.

    Returns:
        Dictionary with the rounds of each contestant, for JSON.

    Raises:
        WrongPictureError: if images differ from Keras' images.
        ContestantError: if a process fails.
    """
    expected = write_codes(model, folder, rows)
    parts, calls = {name: {"name": name, "rounds": []} for name in names}, {}
    with contextlib.ExitStack() as stack:
        processes = {}
        for name in names:
            progress(f"Batch {rows}: {CONTESTANTS[name].label} starts")
            artifact = write_artifact(model, CONTESTANTS[name], folder, rows)
            process = Decoding(CONTESTANTS[name], artifact, folder=folder, rows=rows, cores=cores)
            processes[name] = stack.enter_context(process)
            error = check(CONTESTANTS[name], process.pictures(), expected)
            calls[name] = length.calls(process.times(_TRIED)[_TRIED // 2 :])
            process.times(calls[name])  # warm-up
            parts[name] |= {"bytes": size(artifact), "error": error}
        for number in range(length.rounds):
            for name in turn(names, number):
                progress(f"Batch {rows}: round {number + 1} of {length.rounds}, {CONTESTANTS[name].label}")
                parts[name]["rounds"].append(summary(processes[name], calls[name]))
    return {"rows": rows, "contestants": list(parts.values())}


def summary(process, calls):
    """Returns {"p50", "p99", "calls"} of a turn, in microseconds per call."""
    lead_in = max(1, int(_LEAD_IN * calls))
    p50, p99 = np.percentile(process.times(lead_in + calls)[lead_in:], [50, 99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "calls": calls}


def check(contestant, found, expected):
    """Returns the maximum difference from Keras' images, or raises an error with the tolerance of an export."""
    from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, ROUNDED_TOLERANCE

    if found.shape != expected.shape:
        raise WrongPictureError(f"{contestant.label} returns shape {found.shape}, Keras {expected.shape}.")
    difference = np.abs(found.astype(np.float64) - expected)
    if contestant.quantize == "none":
        error, limit = difference.max(), FLOAT_TOLERANCE * np.abs(expected).max()
    else:
        error, limit = np.sqrt(np.mean(difference**2)), ROUNDED_TOLERANCE * expected.std()
    if not error <= limit:  # NaN is an error too
        raise WrongPictureError(f"{contestant.label} differs from Keras by {error:.2g}, more than {limit:.2g}.")
    return float(difference.max())
