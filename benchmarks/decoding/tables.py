"""The results as text: the same rows for the terminal and for a document."""

from side_by_side.machine import surroundings
from side_by_side.showing import markdown_table, terminal_table

from decoding.contestants import CONTESTANTS, OURS
from decoding.results import find, judge, median, names, ratio

HEADINGS = ("contestant", "p50", "p99", "ratio", "kB", "error")
CAPTION = (
    "p50, p99: microseconds of a call, the median over the rounds of the median and of the 99th percentile of a round; "
    "ratio: its p50 over that of LiteRT fp32 with 1 thread in the same round, the median over the rounds, above 1 is "
    "slower; kB: what it loads, a SavedModel and a .keras file with the encoder; error: the largest difference to "
    "Keras, of pixels in [0, 1]."
)


def cells(results, rows, name):
    """The text of a contestant's row in the table of a case."""
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
    """Every table as (title, rows of text)."""
    for case in results["cases"]:
        rows = case["rows"]
        body = [cells(results, rows, name) for name in names(results) if find(results, rows, name)]
        yield ("One picture a call" if rows == 1 else f"{rows} pictures a call"), body


def us(value):
    """Microseconds as text."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def factor(value):
    """A ratio as text, with three digits or more."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def lines(results):
    """Sentences below the table: who was left out, and what became of the targets."""
    yield from (f"Left out: {row['label']}, because {row['reason']}." for row in results["left_out"])
    if not results["quick"]:
        for verdict in judge(results):
            yield f"{'reached' if verdict.reached else 'MISSED'}: {verdict.text} (to reach: {verdict.target})"


def protocol(results):
    """What was measured, how and where, as Markdown."""
    model = results["model"]
    widths = "-".join(map(str, model["widths"]))
    weights = f"weights of {results['weights']}" if results["weights"] else "weights not trained"
    calls = min(row["calls"] for case in results["cases"] for part in case["contestants"] for row in part["rounds"])
    made = f"{model['class']}(latent_dim={model['latent_dim']}, condition=Categorical({model['classes']}))"
    return (
        f"The decoder of `{made}` for 28 x 28 pixels: dense layers {widths}, {model['parameters']:,} parameters, "
        f"{weights} (the speed does not depend on them). Codes of seed {results['seed']}; {results['rounds']} rounds, "
        f"in each of which everyone has a turn of {calls:,} calls or more; on {surroundings(results)}"
    )


def show(results, console):
    """Prints everything."""
    console.print(protocol(results), soft_wrap=True, markup=False)
    for title, body in all_tables(results):
        console.print(terminal_table(title, HEADINGS, body))
    console.print(CAPTION, soft_wrap=True)
    for line in lines(results):
        style = {"MISSED": "red", "reached": "green"}.get(line.partition(":")[0])
        console.print(line, soft_wrap=True, markup=False, style=style)


def markdown(results, image):
    """The same as Markdown, with the picture."""
    note = "**Quick figures without meaning.** " if results["quick"] else ""
    figure = f"![Time of a call of the decoder for each contestant, and sizes of the files]({image})"
    verdicts = "\n".join(f"- {line}" for line in lines(results))
    parts = [note + protocol(results), figure]
    for title, body in all_tables(results):
        parts += markdown_table(title, HEADINGS, body)
    return "\n\n".join(part for part in (*parts, CAPTION, verdicts) if part)
