"""The results as tables, for the terminal and for a document."""

from side_by_side.cases import BFLOAT16
from side_by_side.contestants import CONTESTANTS
from side_by_side.results import OURS, rows, share
from side_by_side.showing import markdown_table, terminal_table
from side_by_side.targets import judge

HEADINGS = ("contestant", "ex/s", "quartiles", "ratio", "compile", "matmul", "loss")
CAPTION = (
    "ex/s: examples per second; ratio: speed of keras_ae relative to the contestant, median over the rounds; compile: "
    "additional seconds of the first epoch; matmul: FLOP/s relative to the best matrix product; loss: in the second "
    "epoch, in nats."
)
TITLES = {
    "mlp-128": "MLP 784-200-200-16, batch 128",
    "mlp-512": "MLP 784-200-200-16, batch 512",
    "conv": "Convolutional VAE (32 and 64 channels, stride 2), batch 128",
    "iwae": "IWAE with k = 50, the same MLP, batch 128",
    **{
        f"bfloat16-{width}-{size}": f"Two hidden layers of {width:,} units, batch {size:,}"
        for width, sizes in BFLOAT16.items()
        for size in sizes
    },
}

GROUP_TITLES = {
    "size": "Rows of data: examples/s at batch 128",
    "width": "Width of both hidden layers: examples/s",
    "grid": "Width of both hidden layers and batch: examples/s",
}


def main_tasks(results):
    """Returns the names of the tasks with separate tables; the tasks of a group of `GROUP_TITLES` share one."""
    return [case["task"]["name"] for case in results["cases"] if not shares_table(case)]


def shares_table(case):
    return case["group"] in GROUP_TITLES


def cells(row):
    """Returns the text of a row of `results.rows`."""
    ratio = "" if row["ratio"] is None or row["name"] == OURS else f"{row['ratio']:.2f}"
    return (
        CONTESTANTS[row["name"]].label,
        f"{row['median']:,.0f}",
        f"{row['low']:,.0f} - {row['high']:,.0f}",
        ratio,
        f"{row['compile_seconds']:.1f}",
        f"{row['share']:.0%}",
        f"{row['loss']:.1f}",
    )


def group_headings(results, group):
    case = next(case for case in results["cases"] if case["group"] == group)
    labels = [CONTESTANTS[part["name"]].label for part in case["contestants"]]
    first = {"size": "rows", "width": "width", "grid": "width, batch"}[group]
    against = ["of the fastest other"] if group == "grid" else []
    return [first, *labels, *against, "matmul, keras_ae"]


def group_cells(results, group):
    """Yields a row for each task of a group, with the examples per second of all contestants."""
    for case in results["cases"]:
        if case["group"] == group:
            task = case["task"]
            value = f"{task['num_examples'] if group == 'size' else task['hidden'][0]:,}"
            if group == "grid":
                value += f", {task['batch_size']:,}"
            part = share(results, task["name"])
            medians = [f"{row['median']:,.0f}" for row in rows(results, task["name"])]
            against = []
            if group == "grid":
                others = [row["ratio"] for row in rows(results, task["name"]) if row["name"] != OURS and row["ratio"]]
                against = [f"{min(others):.2f}" if others else ""]
            yield [value, *medians, *against, "" if part is None else f"{part:.0%}"]


def all_tables(results):
    """Yields all tables as (title, headings, rows of text)."""
    for name in main_tasks(results):
        yield TITLES[name], HEADINGS, [cells(row) for row in rows(results, name)]
    for group, title in GROUP_TITLES.items():
        if any(case["group"] == group for case in results["cases"]):
            yield title, group_headings(results, group), list(group_cells(results, group))


def target_lines(results):
    """Yields a sentence for each target; none for quick results."""
    for row in [] if results["quick"] else judge(results):
        verdict = "reached" if row["reached"] else "MISSED"
        unit = "of" if "product" in row["against"] else "x"
        yield f"{verdict}: {row['task']}, {row['figure']:.2f} {unit} {row['against']} (to reach: {row['least']:.2f})"


def matrix_line(results):
    """Returns a sentence about the best matrix product."""
    best = max(results["matrix_product"]["measured"], key=lambda row: row["gflops"])
    shape = " x ".join(map(str, best["shape"]))
    return f"Best matrix product: {best['gflops']:.0f} GFLOP/s (float32, {shape}, {best['library']})."


def show(results, console):
    """Prints all results."""
    for title, headings, body in all_tables(results):
        console.print(terminal_table(title, headings, body))
    console.print(CAPTION, soft_wrap=True)
    console.print(matrix_line(results), soft_wrap=True)
    for line in target_lines(results):
        console.print(line, soft_wrap=True, style="red" if line.startswith("MISSED") else "green")


def markdown(results):
    """Returns all results as Markdown."""
    parts = []
    for title, headings, body in all_tables(results):
        parts += markdown_table(title, headings, body)
    parts += [CAPTION, matrix_line(results), "\n".join(f"- {line}" for line in target_lines(results))]
    return "\n\n".join(part for part in parts if part)
