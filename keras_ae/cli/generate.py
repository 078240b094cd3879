"""`keras-ae generate`."""

import itertools
import math
from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli.shared_options import PresetOption, RunArgument
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run import Run

# Maximum numbers in a file: 1 GiB for an array, and an image size that other programs still open.
_MAX_VALUES = {".png": 2**27, ".npy": 2**28}
_MAX_CURVES = 1024  # cells in a figure of sequences or table rows


def generate(
    run: RunArgument,
    preset: PresetOption = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Condition, such as 7; with several properties, repeat it for each: digit=7."),
    ] = None,
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="Generate every class, one column each; with several categorical properties, every combination.",
        ),
    ] = False,
    num: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of samples. A .npy holds at most 2^28 numbers, a .png 2^27.",
            show_default="64; with --each, 8 per class",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same samples here and in every export.")
    ] = 0,
    temperature: Annotated[
        float, typer.Option(help="Temperature of the prior: below 1, samples are more typical.")
    ] = 1.0,
    out: Annotated[Path, typer.Option(help="Image grid (.png) or array (.npy).")] = Path("samples.png"),
):
    """Generate samples with the model of a run."""
    if out.suffix.lower() not in _MAX_VALUES:
        raise typer.BadParameter(f"must end in {' or '.join(_MAX_VALUES)}. Received: {out}", param_hint="--out")
    if not 0 < temperature < float("inf"):
        raise typer.BadParameter(f"must be a number > 0. Received: {temperature}", param_hint="--temperature")
    opened = Run.open(run)
    start_tensorflow()
    model = opened.model()
    names = opened.config.get("data", {}).get("condition", ())
    if each:
        values, classes = every_class(model.condition, condition or [], names)
        num = 8 * classes if num is None else num
        values = in_turn(values, num)
    else:
        values, classes, num = parse_condition(model.condition, condition or [], names), None, num or 64
    _check_fits(num, model.event_shape, out)
    _write(out, model.sample(num, values, seed=seed, temperature=temperature).numpy(), columns=classes)
    typer.echo(f"{num} {'sample' if num == 1 else 'samples'} in {out}")


def every_class(condition, texts, names=()):
    """Returns the values of a condition for every class, and their number.

    With several categorical properties, returns all combinations; `texts` give the values of the other properties, as
    in `parse_condition`.

    Returns:
        (a list of numbers or a dictionary of lists, their length).
    """
    if condition is None:
        _refuse("the model has no condition: omit the option.", "--each")
    parts = condition.properties
    if condition is parts.get("condition"):
        if texts:
            _refuse("replaces --condition. Give only one of them.", "--each")
        if not hasattr(condition, "num_classes"):
            name = names[0] if names else "condition"
            _refuse(f"needs a condition with classes. {name} is {_wanted(condition)}: give --condition.", "--each")
        return list(range(condition.num_classes)), condition.num_classes
    given = dict(text.partition("=")[::2] for text in texts)
    turned = [name for name, part in parts.items() if hasattr(part, "num_classes") and name not in given]
    if not turned:
        _refuse("needs a categorical property that --condition does not set.", "--each")
    first = parse_condition(condition, [*texts, *(f"{name}=0" for name in turned)])
    rows = list(itertools.product(*(range(parts[name].num_classes) for name in turned)))
    values = {name: [value] * len(rows) for name, value in first.items()}
    values |= {name: list(column) for name, column in zip(turned, zip(*rows, strict=True), strict=True)}
    return values, len(rows)


def in_turn(values, num):
    """Repeats values in order up to `num` values."""
    if isinstance(values, dict):
        return {name: in_turn(column, num) for name, column in values.items()}
    return list(itertools.islice(itertools.cycle(values), num))


def parse_condition(condition, texts, names=()):
    """Parses the value of a condition from the command line.

    Args:
        condition: the model's `Condition` or `None`.
        texts: such as ["7"], or ["digit=7", "slant=20"].
        names: the name of a single property.

    Returns:
        One value of the condition for `model.sample`.
    """
    if condition is None:
        if texts:
            _refuse("this model has no condition: omit the option.")
        return None
    parts = condition.properties
    if condition is parts.get("condition"):
        name = names[0] if names else "condition"
        if len(texts) != 1:
            _refuse(f"give one value of {name}, {_wanted(condition)}: --condition 0")
        key, _, value = texts[0].rpartition("=")
        if key not in ("", name):
            _refuse(f"the condition of this model is {name}. Received: {texts[0]}")
        return _number(condition, value)
    given = dict(text.split("=", 1) if "=" in text else (text, "") for text in texts)
    if set(given) != set(parts):
        wanted = " ".join(f"--condition {name}=..." for name in parts)
        _refuse(f"give each property once: {wanted}. Received: {', '.join(texts) or 'none'}")
    return {name: _number(part, given[name]) for name, part in parts.items()}


def _check_fits(num, event_shape, path):
    from keras_ae.drawing.curve_grid import is_image

    suffix, size = path.suffix.lower(), math.prod(event_shape)
    if suffix == ".png" and is_image(event_shape):
        height, width, *channels = event_shape
        size = (height + 1) * (width + 1) * math.prod(channels) * _zoom(event_shape) ** 2
    most = _MAX_VALUES[suffix] // size
    if suffix == ".png" and not is_image(event_shape):
        most = min(most, _MAX_CURVES)
    if num > most:
        raise typer.BadParameter(f"must be at most {most} for a {suffix}. Received: {num}", param_hint="--num")


def _zoom(event_shape):
    return max(1, round(56 / max(event_shape[:2])))  # so that small images are visible


def _write(path, x, columns=None):
    """Writes samples as an array, or as an image grid with a number of columns."""
    import numpy as np

    from keras_ae.io.writing import replacing

    if path.suffix.lower() == ".npy":
        with replacing(path) as temporary:
            np.save(temporary, x)
        return
    from keras_ae import explore
    from keras_ae.drawing.curve_grid import curve_grid, is_image

    if not is_image(x.shape[1:]):
        explore.save(curve_grid(x, columns, title=f"{len(x)} samples"), path)
        return
    from PIL import Image

    picture = explore.tile(x if x.ndim == 4 else x[..., np.newaxis], columns)
    zoom = _zoom(x.shape[1:])
    pixels = np.round(picture * 255).astype(np.uint8).repeat(zoom, axis=0).repeat(zoom, axis=1)
    with replacing(path) as temporary:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(temporary)


def _number(condition, text):
    size = getattr(condition, "num_classes", None)
    try:
        if size is not None:
            names = condition.vocabulary or ()
            value = names.index(text) if text in names else int(text)
            if not 0 <= value < size:
                raise ValueError(text)
            return value
        values = [float(part) for part in text.split(",")]
        if len(values) != condition.dim:
            raise ValueError(text)
    except ValueError:
        _refuse(f"must be {_wanted(condition)}. Received: {text or 'nothing'}")
    return values[0] if condition.dim == 1 else values


def _wanted(condition):
    size = getattr(condition, "num_classes", None)
    if size is not None:
        names = f", or one of {', '.join(condition.vocabulary)}" if condition.vocabulary else ""
        return f"an integer from 0 to {size - 1}{names}"
    return "a number" if condition.dim == 1 else f"{condition.dim} comma-separated numbers"


def _refuse(text, option="--condition"):
    raise typer.BadParameter(text, param_hint=option)
