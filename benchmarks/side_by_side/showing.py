"""Writes results as tables and files."""

import json

from rich.box import SIMPLE_HEAD
from rich.table import Table


def terminal_table(title, headings, body):
    """Returns a table for the terminal: a column of text, and columns of numbers."""
    table = Table(*headings, title=title, title_justify="left", box=SIMPLE_HEAD)
    for number, column in enumerate(table.columns):
        column.justify = "right" if number else "left"
        column.no_wrap = True
    for row in body:
        table.add_row(*row)
    return table


def markdown_table(title, headings, body):
    """Returns title and table as Markdown."""
    head, *rows = (f"| {' | '.join(row)} |" for row in (headings, *body))
    return [f"**{title}**", "\n".join([head, f"|---|{'---:|' * (len(headings) - 1)}", *rows])]


def save(results, out, picture, console):
    """Writes results as JSON, and then the figure that the function `picture` makes of them beside it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")
    picture(results).savefig(out.with_suffix(".png"))
    console.print(f"{out}, {out.with_suffix('.png')}", soft_wrap=True)
