"""A card for people: what the JSON says, as Markdown tables."""

# The sections, and what the keys of their nested dictionaries are.
_SECTIONS = {
    "signatures": ("signature", "side", "name"),
    "tensors": ("name",),
    "omitted": (),
    "model": ("part",),
    "data": ("part",),
    "training": ("part",),
    "metrics": ("part",),
    "errors": ("signature", "output"),
    "bytes": (),
    "latency": (),
    "machine": (),
    "versions": (),
    "files": ("file",),
}
_TITLES = {
    "tensors": "Inputs and outputs",
    "omitted": "Signatures that are not there",
    "errors": "Absolute differences to the model",
    "bytes": "Size in bytes",
}


def card_text(fields):
    """The Markdown of a card, from `Card.fields`. Sections that are empty are left out.

    `verify` renders the JSON again and compares: what gives other text for the same fields needs another `FORMAT`.
    """
    alone = {name: value for name, value in fields.items() if name not in (*_SECTIONS, "limits", "path")}
    parts = [f"# {_plain(fields['path'])}", _table(("what", "value"), alone.items())]
    for name, keys in _SECTIONS.items():
        if fields[name]:
            parts += [f"## {_TITLES.get(name, name.capitalize())}", *_tables(fields[name], keys)]
    parts += ["## Limits", "\n".join(f"- {_plain(limit)}" for limit in fields["limits"])]
    return "\n\n".join(parts) + "\n"


def _tables(value, keys):
    """A table of the plain values of a dictionary, and one of the dictionaries in it, a row for each innermost one."""
    plain = {name: entry for name, entry in value.items() if not _is_table(entry)}
    rows = [row for name, entry in value.items() if _is_table(entry) for row in _rows(entry, (name,))]
    tables = [_table(("what", "value"), plain.items())] if plain else []
    for depth in sorted({len(path) for path, _ in rows}):
        group = [(path, row) for path, row in rows if len(path) == depth]
        names = list(dict.fromkeys(name for _, row in group for name in row))
        heads = (*keys, *[""] * depth)[:depth]
        lines = [(*path, *(row.get(name, "") for name in names)) for path, row in group]
        tables.append(_table((*heads, *names), lines))
    return tables


def _rows(value, path):
    """(path, row) of the innermost dictionaries."""
    inner = {name: entry for name, entry in value.items() if _is_table(entry)}
    for name, entry in inner.items():
        yield from _rows(entry, (*path, name))
    plain = {name: entry for name, entry in value.items() if name not in inner}
    if plain:
        yield path, plain


def _is_table(value):
    return isinstance(value, dict) and bool(value)


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _plain(value):
    """A value as a cell: nothing in it ends the cell or the line."""
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        words = all(isinstance(entry, str) for entry in value) and value
        shown = ("any" if entry is None else _plain(entry) for entry in value)
        return _plain(", ".join(value)) if words else "[" + ", ".join(shown) + "]"
    return " ".join(str(value).split()).replace("\\", "\\\\").replace("|", "\\|")
