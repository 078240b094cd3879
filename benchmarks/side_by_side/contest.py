"""Runs a case: all contestants warm up, and then take turns."""

import contextlib
import dataclasses
import tempfile

import numpy as np

from side_by_side.cases import Case
from side_by_side.contestants import CONTESTANTS
from side_by_side.process import Process

# Maximum relative difference of losses, which differ by noise, order and initial weights.
TOLERANCE = 0.05


class DifferentProblemError(RuntimeError):
    """The losses of the contestants after the warm-up differ too much for the same task."""


def write_data(path, num_examples):
    """Writes examples [N, 784] float32 in [0, 1]: rendered digits of keras_ae, repeated if necessary."""
    from keras_ae.datasets import strokes

    drawn = min(num_examples, 32_768)
    x = strokes.generate(drawn)[0].reshape(drawn, -1)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (num_examples, x.shape[1]))
    for start in range(0, num_examples, drawn):
        array[start : start + drawn] = x[: num_examples - start]
    array.flush()
    return path


def run_case(case: Case, *, data, cores, rounds, tolerance=TOLERANCE, progress=lambda text: None):
    """Trains the contestants of a case in turn.

    Args:
        case: the `Case`.
        data: path that `write_data` wrote.
        cores: number of cores for each contestant.
        rounds: number of rounds; each begins with another contestant.
        tolerance: maximum relative difference of a loss from the median.
        progress: function of a text for a progress bar.

    Returns:
        Dictionary with the rounds of each contestant, for JSON.

    Raises:
        DifferentProblemError: if losses differ too much.
        ContestantError: if a process fails.
    """
    rounds = min(rounds, case.rounds or rounds)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        processes, starts, rows = {}, {}, {name: [] for name in case.contestants}
        shared = {"data": data, "folder": folder, "cores": cores, "epochs": epochs(case)}
        for name in case.contestants:
            progress(f"{case.task.name}: {CONTESTANTS[name].label} starts")
            processes[name] = stack.enter_context(Process(CONTESTANTS[name], case.task, **shared))
            starts[name] = processes[name].ready()
        check_losses({name: start["loss"] for name, start in starts.items()}, case.task.name, tolerance)
        for number in range(rounds):
            for name in turn(case.contestants, number):
                progress(f"{case.task.name}: round {number + 1} of {rounds}, {CONTESTANTS[name].label}")
                rows[name].append(processes[name].round())
    contestants = [{"name": name, **starts[name], "rounds": rows[name]} for name in case.contestants]
    task = {**dataclasses.asdict(case.task), "hidden": list(case.task.hidden)}
    return {
        "group": case.group,
        "task": task,
        "flop_per_example": case.task.flop_per_example(),
        "epochs": epochs(case),
        "contestants": contestants,
    }


def epochs(case: Case):
    """Returns the numbers of epochs for the referee."""
    return {"timed": case.timed, "lead_in": case.lead_in, "warm_up": case.warm_up}


def turn(names, number):
    """Returns the order of a round, in which every contestant has every position equally often."""
    shift = number % len(names)
    return [*names[shift:], *names[:shift]]


def check_losses(losses, name, tolerance=TOLERANCE):
    """Raises a `DifferentProblemError` if a loss is far from the median."""
    middle = float(np.median(list(losses.values())))
    wrong = {key: loss for key, loss in losses.items() if not abs(loss - middle) <= tolerance * abs(middle)}
    if wrong:
        raise DifferentProblemError(
            f"In {name!r} the losses after the warm-up must be within {tolerance:.0%} of their median, "
            f"{middle:.2f} nats. Received: {', '.join(f'{key} {loss:.2f}' for key, loss in wrong.items())}"
        )
