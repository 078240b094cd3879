"""`keras-ae models` and `keras-ae datasets`."""

from keras_ae.cli.shared_options import model_argument
from keras_ae.cli.source_names import check_model_name
from keras_ae.cli.startup import start_tensorflow


def models(model: model_argument("Model whose arguments to list.") = None):
    """List the models, or the arguments of one model and its parts, for `train --set`."""
    if model is not None:
        check_model_name(model)
    start_tensorflow()
    if model is not None:
        return _print_arguments(model)
    from keras_ae.models import MODELS

    rows = [(name, cls.__name__, *_idea_and_paper(cls)) for name, cls in MODELS.items()]
    hint = (
        "keras-ae train NAME --dataset digits --out runs/NAME\n"
        "keras-ae models NAME lists the arguments and the possible parts of a model"
    )
    _print_table("Models", ("name", "class", "idea", "paper"), rows, hint)


def presets():
    """List the released models and all recipes."""
    from keras_ae.recipes.recipe import Recipe, names
    from keras_ae.released.preset_catalogue import presets as released

    known = released()
    rows = []
    for name in sorted({*known, *names()}):
        row = known.get(name)
        if row is None:
            rows.append((name, Recipe.open(name).summary, "", "a recipe only"))
        else:
            rows.append((name, row["summary"], f"{row['parameters']:,}", row["result"]))
    hint = (
        "keras-ae generate --preset NAME, and every other command that takes RUN\n"
        "keras-ae verify preset:NAME checks files and outputs, and keras-ae reproduce NAME trains and measures it again"
    )
    _print_table("Presets", ("name", "what", "parameters", "result"), rows, hint)


def datasets():
    """List data sets: two that need no download, and well-known ones of TFDS."""
    from keras_ae.datasets import available

    rows = []
    for entry in available():
        shape = "x".join(map(str, entry.image_shape)) if entry.image_shape else "?"
        sizes = (f"{entry.splits[name]:,}" if entry.splits.get(name) else "-" for name in ("train", "test"))
        mark = "" if entry.source == "embedded" else "*"
        rows.append((entry.name + mark, shape, *sizes, entry.description))
    hint = (
        "* from TFDS: --download fetches it once. Any other image set of TFDS works too,\n"
        "as does a folder of images, or a .npy, .npz, .csv (also .csv.gz) or .parquet file."
    )
    _print_table("Data sets", ("name", "shape", "train", "test", "what"), rows, hint)


def _print_arguments(model):
    from keras_ae.run.assembly import PARTS, arguments, find_model

    rows, parts = [], []
    for name, default in arguments(find_model(model)).items():
        if name in ("condition", "seed"):  # they have separate options
            continue
        rows.append((name, _shown(default), ", ".join(PARTS.get(name, ()))))
        for part, cls in PARTS.get(name, {}).items():
            inner = arguments(cls)
            if inner:
                parts.append((name, part, ", ".join(f"{key}={_shown(value)}" for key, value in inner.items())))
    _print_table(f"Arguments of {model}", ("argument", "default", "or"), rows, "")
    hint = f"keras-ae train {model} --set ARGUMENT=NAME --set ARGUMENT.KEY=VALUE --out runs/{model}\n"
    hint += "Mixed parts take a list: ARGUMENT.parts=NAME,NAME; ARGUMENT.parts.0.KEY belongs to the first"
    _print_table("Arguments of its parts", ("argument", "name", "keys"), parts, hint)


def _shown(default):
    import inspect
    import json

    if default is inspect.Parameter.empty:
        return "needed"
    if default is None:
        return "none"
    return default if isinstance(default, str) else json.dumps(default, separators=(",", ":"), default=repr)


def _idea_and_paper(cls):
    """Returns the first line of a docstring and its first reference."""
    lines = [line.strip() for line in (cls.__doc__ or "").strip().splitlines()]
    paragraph = " ".join(lines[: lines.index("")] if "" in lines else lines)
    idea = paragraph.split(": ", 1)[-1].rstrip(".")
    start = lines.index("References:") + 1 if "References:" in lines else len(lines)
    paper = " ".join(lines[start:]).split(";")[0].rstrip(".")
    return idea[:1].upper() + idea[1:], paper


def _print_table(title, columns, rows, hint):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, style="bold" if index == 0 else None, overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"\n{hint}" if hint else "", soft_wrap=True, highlight=False)
