"""What the raw rounds say: medians, quartiles, paired ratios and shares. Pure functions of the results' dictionary."""

import statistics

OURS = "keras_ae"


def speeds(contestant):
    """Examples a second, one number a round."""
    return [row["examples_per_second"] for row in contestant["rounds"]]


def quartiles(values):
    """(first quartile, median, third quartile)."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, statistics.median(values), high


def paired_ratio(ours, theirs):
    """The median over the rounds of ours / theirs in the same round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def compile_seconds(contestant, epoch_examples):
    """What the first epoch, from the making of the model on, took beyond one at full speed: compilation, mostly."""
    _, median, _ = quartiles(speeds(contestant))
    return max(0.0, contestant["first_epoch_seconds"] - epoch_examples / median)


def find(results, task_name, contestant):
    """The contestant's part of a task's results, or `None` where it did not take part."""
    for case in results["cases"]:
        for part in case["contestants"]:
            if case["task"]["name"] == task_name and part["name"] == contestant:
                return part
    return None


def ratio(results, task_name, other):
    """keras_ae's speed over another's, paired by rounds; `None` where one of them is missing."""
    ours, theirs = find(results, task_name, OURS), find(results, task_name, other)
    return None if ours is None or theirs is None else paired_ratio(speeds(ours), speeds(theirs))


def share(results, task_name, contestant=OURS):
    """The share of the best matrix product that a contestant reaches; `None` where it is missing."""
    part = find(results, task_name, contestant)
    if part is None:
        return None
    flop = next(case["flop_per_example"] for case in results["cases"] if case["task"]["name"] == task_name)
    return statistics.median(speeds(part)) * flop / (results["matrix_product"]["best_gflops"] * 1e9)


def rows(results, task_name):
    """The rows of a task's table, in the order of the contestants.

    Returns:
        A list of dictionaries: name, low, median and high examples a second, ratio (keras_ae over this one, or `None`),
        compile_seconds, share and loss.
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
