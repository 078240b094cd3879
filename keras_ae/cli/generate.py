"""`keras-ae generate`."""

import math
from pathlib import Path
from typing import Annotated

import typer

# The most numbers that a file of each kind may hold: 1 GiB of an array, and a picture that others still open.
_MOST_VALUES = {".png": 2**27, ".npy": 2**28}


def generate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.")],
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Value to generate, such as 7; once a property where there are several: digit=7."),
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="How many. A .npy holds 2^28 numbers at most, a .png 2^27.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="One seed gives one picture, here and in every export.")] = 0,
    temperature: Annotated[float, typer.Option(help="Of the codes: below 1, samples are more typical.")] = 1.0,
    out: Annotated[Path, typer.Option(help="Picture of a grid (.png) or array (.npy).")] = Path("samples.png"),
):
    """Generate samples with the model of a run."""
    if out.suffix.lower() not in _MOST_VALUES:
        raise typer.BadParameter(f"must end in {' or '.join(_MOST_VALUES)}. Received: {out}", param_hint="--out")
    if not 0 < temperature < float("inf"):
        raise typer.BadParameter(f"must be a number > 0. Received: {temperature}", param_hint="--temperature")
    from keras_ae.run import Run

    opened = Run.open(run)
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    model = opened.model()
    names = opened.recipe["data"]["condition"]
    values = parse_condition(model.condition, condition or [], names)
    _check_fits(num, model.event_shape, out)
    write(out, model.sample(num, values, seed=seed, temperature=temperature).numpy())
    typer.echo(f"{num} samples in {out}")


def parse_condition(condition, texts, names=()):
    """The value of a condition from the texts of the command line.

    Args:
        condition: the model's `Condition` or `None`.
        texts: such as ["7"], or ["digit=7", "slant=20"].
        names: what a single property is called.

    Returns:
        What `model.sample` takes for one value of the condition.
    """
    if condition is None:
        if texts:
            _refuse("this model has no condition: leave it out.")
        return None
    parts = getattr(condition, "properties", None)
    if parts is None:
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
    from keras_ae.explore.value_grid import is_image

    suffix, size = path.suffix.lower(), math.prod(event_shape)
    if suffix == ".png" and is_image(event_shape):
        height, width, *channels = event_shape
        size = (height + 1) * (width + 1) * math.prod(channels) * _zoom(event_shape) ** 2
    most = _MOST_VALUES[suffix] // size
    if num > most:
        raise typer.BadParameter(f"must be {most} at most, for a {suffix}. Received: {num}", param_hint="--num")


def _zoom(event_shape):
    return max(1, round(56 / max(event_shape[:2])))  # so that the pictures are large enough to see


def write(path, x):
    """Writes samples as an array, or as a picture in which they lie side by side."""
    import numpy as np

    from keras_ae.files import replacing

    if path.suffix.lower() == ".npy":
        with replacing(path) as temporary:
            np.save(temporary, x)
        return
    from keras_ae import explore
    from keras_ae.explore.value_grid import is_image, value_grid

    if not is_image(x.shape[1:]):
        explore.save(value_grid([x], names=["sample"], title=f"{len(x)} samples"), path)
        return
    from PIL import Image

    picture = explore.tile(x if x.ndim == 4 else x[..., np.newaxis])
    zoom = _zoom(x.shape[1:])
    pixels = np.round(picture * 255).astype(np.uint8).repeat(zoom, axis=0).repeat(zoom, axis=1)
    with replacing(path) as temporary:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(temporary)


def _number(condition, text):
    size = getattr(condition, "num_classes", None)
    try:
        if size is not None:
            value = int(text)
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
        return f"a whole number from 0 to {size - 1}"
    return "a number" if condition.dim == 1 else f"{condition.dim} numbers with commas between them"


def _refuse(text):
    raise typer.BadParameter(text, param_hint="--condition")
