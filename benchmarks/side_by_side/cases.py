"""The cases of the training benchmark, with their contestants and epochs."""

import dataclasses

from side_by_side.task import Task

EVERYONE = ("keras_ae", "keras", "keras-jit", "xla-loop", "torch", "torch-compile", "pythae")
# By default, keras_ae runs convolutions without XLA and everything else with XLA: both alternatives are measured too.
WITHOUT_XLA, WITH_XLA = "keras_ae-tf", "keras_ae-xla"
CURVES = ("keras_ae", "keras-jit", "xla-loop", "torch-compile")
ROWS = (5_120, 20_480, 102_400, 512_000)
WIDTHS = (100, 200, 400, 800)
GRID = {200: 61_440, 800: 12_288, 2_000: 4_096}  # widths: examples per epoch
GRID_BATCHES = (128, 512, 2_048)
BFLOAT16 = {800: (512,), 2_000: (512, 2_048)}  # widths: batches
FASTEST = ("keras_ae", "xla-loop", "torch", "torch-compile")
HALF = ("keras_ae", "keras_ae-bfloat16", "torch-compile", "torch-bfloat16")


@dataclasses.dataclass(frozen=True)
class Case:
    """A task, its contestants and its rounds.

    Args:
        group: name on the command line; the tasks of a curve share it.
        task: the `Task`.
        contestants: names of the contestants.
        timed: number of timed epochs per round.
        lead_in: number of untimed epochs before them.
        warm_up: number of epochs before the first round.
        rounds: maximum number of rounds; `None` for the number on the command line.
    """

    group: str
    task: Task
    contestants: tuple = EVERYONE
    timed: int = 1
    lead_in: int = 1
    warm_up: int = 2
    rounds: int | None = None


def all_cases():
    """Returns the cases of the benchmark, in order. Epochs take about a second or more, long enough to time."""
    cases = [
        Case("mlp-128", Task("mlp-128", batch_size=128), (*EVERYONE, WITHOUT_XLA), timed=2),
        Case("mlp-512", Task("mlp-512", batch_size=512, num_examples=30_208), timed=2),
        Case("conv", Task("conv", network="conv", hidden=(32, 64), num_examples=5_120), (*EVERYONE, WITH_XLA)),
        Case("iwae", Task("iwae", num_samples=50, num_examples=1_280)),
    ]
    for rows in ROWS:
        # Long epochs need no untimed ones before them.
        epochs = {"lead_in": 0, "warm_up": 1} if rows > 100_000 else {"timed": max(1, 20_480 // rows)}
        cases.append(Case("size", Task(f"size-{rows}", num_examples=rows), CURVES, rounds=2, **epochs))
    for width in WIDTHS:
        task = Task(f"width-{width}", hidden=(width, width), num_examples=12_800)
        cases.append(Case("width", task, CURVES, rounds=3))
    for width, num in GRID.items():
        for size in GRID_BATCHES:
            task = Task(f"grid-{width}-{size}", hidden=(width, width), batch_size=size, num_examples=num)
            warm_up = max(2, -(-30 // (num // size)))  # 30 steps: before, losses differ by their initial weights
            cases.append(Case("grid", task, FASTEST, rounds=3, warm_up=warm_up))
            if size in BFLOAT16.get(width, ()):
                task = dataclasses.replace(task, name=f"bfloat16-{width}-{size}")
                cases.append(Case("bfloat16", task, HALF, rounds=3, warm_up=warm_up))
    return cases


GROUPS = tuple(dict.fromkeys(case.group for case in all_cases()))


def quick(case):
    """Returns the same case with few steps, to test the benchmark."""
    batch_size = case.task.batch_size
    num = case.task.num_examples // 20 // batch_size * batch_size if case.group == "size" else 4 * batch_size
    num = min(num, case.task.num_examples)
    task = dataclasses.replace(case.task, num_examples=num)
    return dataclasses.replace(case, task=task, timed=1, lead_in=1, warm_up=2)
