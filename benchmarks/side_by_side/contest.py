"""Runs a case: everyone starts, and then they take turns."""

import contextlib
import dataclasses
import tempfile

import numpy as np

from side_by_side.cases import Case
from side_by_side.contestants import CONTESTANTS
from side_by_side.process import Process

# Different noise, orders and first weights. More than this, and it is not the same problem.
TOLERANCE = 0.05


class DifferentProblemError(RuntimeError):
    """The losses of the contestants after the warm-up differ too much."""


def write_data(path, num_examples):
    """Writes examples [N, 784] float32 in [0, 1]: the drawn digits of keras_ae, repeated where more are wanted."""
    from keras_ae.datasets import strokes

    drawn = min(num_examples, 32_768)
    x = strokes.generate(drawn)[0].reshape(drawn, -1)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (num_examples, x.shape[1]))
    for start in range(0, num_examples, drawn):
        array[start : start + drawn] = x[: num_examples - start]
    array.flush()
    return path


def run_case(case: Case, *, data, cores, rounds, tolerance=TOLERANCE, told=lambda text: None):
    """Lets the contestants of a case train in turn.

    Args:
        case: the `Case`.
        data: path that `write_data` wrote.
        cores: how many cores each may use.
        rounds: how many rounds; each begins with another contestant.
        tolerance: how far a loss may be from the median of all, as a share.
        told: function that is told what happens, for a progress bar.

    Returns:
        Dictionary for the results, with the rounds of each contestant: plain numbers, lists and text.

    Raises:
        DifferentProblemError: where losses differ too much.
        ContestantError: where a process ends.
    """
    rounds = min(rounds, case.rounds or rounds)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        processes, starts, rows = {}, {}, {name: [] for name in case.contestants}
        shared = {"data": data, "folder": folder, "cores": cores, "epochs": epochs(case)}
        for name in case.contestants:
            told(f"{case.task.name}: {CONTESTANTS[name].label} starts")
            processes[name] = stack.enter_context(Process(CONTESTANTS[name], case.task, **shared))
            starts[name] = processes[name].ready()
        check_losses({name: start["loss"] for name, start in starts.items()}, case.task.name, tolerance)
        for number in range(rounds):
            for name in turn(case.contestants, number):
                told(f"{case.task.name}: round {number + 1} of {rounds}, {CONTESTANTS[name].label}")
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
    """What the referee is told."""
    return {"timed": case.timed, "lead_in": case.lead_in, "warm_up": case.warm_up}


def turn(names, number):
    """The order of a round: everyone is first, second ... equally often."""
    shift = number % len(names)
    return [*names[shift:], *names[:shift]]


def check_losses(losses, name, tolerance=TOLERANCE):
    """Raises `DifferentProblemError` where a loss is far from the median of all."""
    middle = float(np.median(list(losses.values())))
    wrong = {key: loss for key, loss in losses.items() if not abs(loss - middle) <= tolerance * abs(middle)}
    if wrong:
        raise DifferentProblemError(
            f"In {name!r} the losses after the warm-up must be within {tolerance:.0%} of their median, "
            f"{middle:.2f} nats. Received: {', '.join(f'{key} {loss:.2f}' for key, loss in wrong.items())}"
        )


def estimate(case: Case, *, rounds, gflops):
    """Seconds that a case takes, from the rough share of the best matrix product that everyone reaches."""
    rounds = min(rounds, case.rounds or rounds)
    number = case.warm_up + rounds * (case.lead_in + case.timed)
    work = number * case.task.num_examples * case.task.flop_per_example() / (gflops * 1e9)
    return sum(CONTESTANTS[name].start + work / CONTESTANTS[name].share for name in case.contestants)
