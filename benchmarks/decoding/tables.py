"""The results as tables, for the terminal and for a document."""

from side_by_side.machine import environment
from side_by_side.showing import markdown_table, terminal_table

from decoding.contestants import CONTESTANTS, OURS
from decoding.results import find, judge, median, names, ratio

HEADINGS = ("contestant", "p50", "p99", "ratio", "kB", "error")
CAPTION = (
    "p50, p99: microseconds per call, medians over the rounds of the median and the 99th percentile within a round; "
    "ratio: p50 relative to LiteRT fp32 with 1 thread in the same round, median over the rounds, above 1 is slower; "
    "kB: size of the loaded files, for SavedModel and .keras with the encoder; error: maximum difference from Keras, "
    "for pixels in [0, 1]."
)


def cells(results, rows, name):
    """Returns the text of the row of a contestant in the table of a case."""
    part, relative = find(results, rows, name), ratio(results, rows, name)
    return (
        CONTESTANTS[name].label,
        us(median(part, "p50")),
        us(median(part, "p99")),
        "" if relative is None or name == OURS else factor(relative),
        f"{part['bytes'] / 1000:,.0f}",
        f"{part['error']:.0e}" if part["error"] else "0",
    )


def all_tables(results):
    """Yields all tables as (title, rows of text)."""
    for case in results["cases"]:
        rows = case["rows"]
        body = [cells(results, rows, name) for name in names(results) if find(results, rows, name)]
        yield ("One picture a call" if rows == 1 else f"{rows} pictures a call"), body


def us(value):
    """Formats microseconds."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def factor(value):
    """Formats a ratio with at least three digits."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def lines(results):
    """Yields the sentences below the tables: omitted contestants, and the targets."""
    yield from (f"Omitted: {row['label']}, because {row['reason']}." for row in results["left_out"])
    if not results["quick"]:
        for verdict in judge(results):
            yield f"{'reached' if verdict.reached else 'MISSED'}: {verdict.text} (to reach: {verdict.target})"


def protocol(results):
    """Returns the description of the measurement as Markdown."""
    model = results["model"]
    widths = "-".join(map(str, model["widths"]))
    weights = f"weights of {results['weights']}" if results["weights"] else "untrained weights"
    calls = min(row["calls"] for case in results["cases"] for part in case["contestants"] for row in part["rounds"])
    made = f"{model['class']}(latent_dim={model['latent_dim']}, condition=Categorical({model['classes']}))"
    return (
        f"The decoder of `{made}` for 28 x 28 pixels: dense layers {widths}, {model['parameters']:,} parameters, "
        f"{weights} (the speed does not depend on them). Codes of seed {results['seed']}; {results['rounds']} rounds "
        f"with at least {calls:,} calls of each contestant; on {environment(results)}"
    )


def show(results, console):
    """Prints all results."""
    console.print(protocol(results), soft_wrap=True, markup=False)
    for title, body in all_tables(results):
        console.print(terminal_table(title, HEADINGS, body))
    console.print(CAPTION, soft_wrap=True)
    for line in lines(results):
        style = {"MISSED": "red", "reached": "green"}.get(line.partition(":")[0])
        console.print(line, soft_wrap=True, markup=False, style=style)


def markdown(results, image):
    """Returns all results as Markdown, with the figure."""
    note = "**Quick figures without meaning.** " if results["quick"] else ""
    figure = f"![Time of a call of the decoder for each contestant, and sizes of the files]({image})"
    verdicts = "\n".join(f"- {line}" for line in lines(results))
    parts = [note + protocol(results), figure]
    for title, body in all_tables(results):
        parts += markdown_table(title, HEADINGS, body)
    return "\n\n".join(part for part in (*parts, CAPTION, verdicts) if part)
