"""Tables of the profile."""

HEADINGS = ("part", "us a step", "fastest", "of processors", "GFLOP/s")


def profile_cells(rows):
    """Yields the text of each row of a profile of `training_profile.py`."""
    for name, row in rows.items():
        times = (f"{row[key]:,.0f}" for key in ("median", "fastest", "processors"))
        yield (name, *times, f"{row['gflops']:.0f}" if "gflops" in row else "")


def profile_markdown(results):
    """Returns a table for each batch size."""
    parts = []
    for size, rows in results.items():
        lines = [f"| {' | '.join(row)} |" for row in (HEADINGS, *profile_cells(rows))]
        parts.append("\n".join([f"**Batch {size}**\n", lines[0], "|---|" + "---:|" * (len(HEADINGS) - 1), *lines[1:]]))
    return "\n\n".join(parts)
