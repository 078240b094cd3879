"""Statistics of the rounds: medians, quartiles, paired ratios and shares. Pure functions of the results."""

import statistics

OURS = "keras_ae"


def speeds(contestant):
    """Returns the examples per second of each round."""
    return [row["examples_per_second"] for row in contestant["rounds"]]


def quartiles(values):
    """Returns (first quartile, median, third quartile)."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, statistics.median(values), high


def paired_ratio(first, second):
    """Returns the median over the rounds of first / second in the same round."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def compile_seconds(contestant, epoch_examples):
    """Returns the additional seconds of the first epoch, including the construction of the model."""
    _, median, _ = quartiles(speeds(contestant))
    return max(0.0, contestant["first_epoch_seconds"] - epoch_examples / median)


def find(results, task_name, contestant):
    """Returns the results of a contestant for a task, or `None`."""
    for case in results["cases"]:
        for part in case["contestants"]:
            if case["task"]["name"] == task_name and part["name"] == contestant:
                return part
    return None


def ratio(results, task_name, other):
    """Returns the speed of keras_ae relative to another contestant, or `None`."""
    first, second = find(results, task_name, OURS), find(results, task_name, other)
    return None if first is None or second is None else paired_ratio(speeds(first), speeds(second))


def share(results, task_name, contestant=OURS):
    """Returns the speed of a contestant relative to the best matrix product, or `None`."""
    part = find(results, task_name, contestant)
    if part is None:
        return None
    flop = next(case["flop_per_example"] for case in results["cases"] if case["task"]["name"] == task_name)
    return statistics.median(speeds(part)) * flop / (results["matrix_product"]["best_gflops"] * 1e9)


def rows(results, task_name):
    """Returns the rows of the table of a task, in the order of the contestants.

    Returns:
        A list of dictionaries: name, low, median and high examples per second, ratio (of keras_ae to the contestant, or
        `None`), compile_seconds, share and loss.
    """
    case = next(case for case in results["cases"] if case["task"]["name"] == task_name)
    table = []
    for part in case["contestants"]:
        low, median, high = quartiles(speeds(part))
        table.append(
            {
                "name": part["name"],
                "low": low,
                "median": median,
                "high": high,
                "ratio": ratio(results, task_name, part["name"]),
                "compile_seconds": compile_seconds(part, case["task"]["num_examples"]),
                "share": share(results, task_name, part["name"]),
                "loss": part["loss"],
            }
        )
    return table
