"""Renders pen paths as antialiased images; a pixel's value is the fraction that the pen covers."""

import numpy as np

from keras_ae.datasets.strokes.pen_paths import STYLE, bend, pen_paths

IMAGE_SIZE = 28
NOMINAL_HEIGHT = 17.0  # pixels from the top to the bottom of a pen path of size 1
CENTER = 14.0  # column and row of the center of mass, as in MNIST
_CHUNK = 4  # images drawn at once, so that the work stays in the processor's cache
_STYLE_LIMIT = 2.2


def render(properties: dict) -> np.ndarray:
    """Renders digits from their properties.

    The pen path of (`digit`, `variant`) is bent by `style`, made `17 * size` pixels tall, sheared by `slant`, turned by
    `rotation` and centered with its center of mass at pixel (14, 14), as in MNIST. The pen is `thickness` pixels wide
    on average over the path: the style's last number varies the pressure. An image is a pure function of its
    properties.

    Args:
        properties: a dict as `sample_properties` returns it. Only `digit` is required; other properties default to 0
            (size 1, thickness 2.8), and a single number applies to all images.

    Returns:
        float32 array [N, 28, 28, 1] in [0, 1].

    Raises:
        ValueError: if a property is unknown, not finite, of the wrong shape or out of range.

    Example:
        >>> images = render({"digit": [7, 7], "slant": [-20.0, 20.0]})
        >>> images.shape, str(images.dtype)
        ((2, 28, 28, 1), 'float32')
    """
    segments = _segments(complete(properties))
    count = len(segments[0])
    images = np.empty((count, IMAGE_SIZE, IMAGE_SIZE, 1), np.float32)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        images[part, :, :, 0] = _coverage(*(array[part] for array in segments))
    return images


def complete(properties: dict) -> dict[str, np.ndarray]:
    """Validates properties and returns them with all keys and full shapes."""
    defaults = {"digit": None, "variant": 0, "slant": 0.0, "thickness": 2.8, "size": 1.0, "rotation": 0.0, "style": 0.0}
    unknown = sorted(set(properties) - set(defaults))
    if unknown or "digit" not in properties:
        raise ValueError(
            f"`properties` must have `digit`, and may have {list(defaults)}. Received: {sorted(properties)}"
        )
    digit = np.atleast_1d(np.asarray(properties["digit"]))
    full = {"digit": digit}
    for name, default in list(defaults.items())[1:]:
        shape = (len(digit), len(STYLE)) if name == "style" else (len(digit),)
        value = np.asarray(properties.get(name, default))
        if name == "style" and value.ndim == 1 and len(value) == len(STYLE):
            value = value[np.newaxis, :]
        try:
            full[name] = np.broadcast_to(value, shape)
        except ValueError:
            raise ValueError(f"`{name}` must have shape {shape}. Received: shape {value.shape}") from None
    _check_ranges(full)
    return full


def _check_ranges(full):
    for name, value in full.items():
        if value.dtype.kind not in "iuf" or not np.isfinite(value).all():
            raise ValueError(f"`{name}` must be finite numbers. Received: {name}={value}")
    for name in ("digit", "variant"):
        if full[name].dtype.kind == "f" and (full[name] % 1).any():
            raise ValueError(f"`{name}` must be whole numbers. Received: {name}={full[name]}")
    variants = np.diff([*pen_paths().first, len(pen_paths().points)])
    digit = full["digit"]
    if digit.ndim != 1 or ((digit < 0) | (digit > 9)).any():
        raise ValueError(f"`digit` must be an array [N] of 0 to 9. Received: digit={digit}")
    if ((full["variant"] < 0) | (full["variant"] >= variants[digit.astype(int)])).any():
        raise ValueError(f"`variant` must be below {variants} for the digits 0 to 9. Received: {full['variant']}")
    for name in ("thickness", "size"):
        if (full[name] <= 0).any():
            raise ValueError(f"`{name}` must be > 0. Received: {name}={full[name]}")
    for name in ("slant", "rotation"):
        if (np.abs(full[name]) > (75 if name == "slant" else 360)).any():
            raise ValueError(f"`{name}` must be within 75 (slant) or 360 (rotation). Received: {name}={full[name]}")


def _segments(full):
    """Returns start x, y, end x, y and radius of the pen, float32 [N, P - 1] in pixels; radius < 0 if it is lifted."""
    paths = pen_paths()
    glyph = paths.first[full["digit"].astype(int)] + full["variant"].astype(int)
    style = _STYLE_LIMIT * np.tanh(full["style"].astype(np.float64) / _STYLE_LIMIT)
    x, y = (paths.points[glyph, :, axis] for axis in (0, 1))
    for k, row in enumerate((1, 2, 5, 6, 7)):
        x = x + style[:, row, np.newaxis] * paths.bases[glyph, k, :, 0]
        y = y + style[:, row, np.newaxis] * paths.bases[glyph, k, :, 1]
    x, y = bend((x, y), style)
    x, y = _place(x, y, full)
    joined = paths.joined[glyph]
    length = np.hypot(np.diff(x), np.diff(y)) * joined
    share = length / length.sum(1, keepdims=True)
    pressure = 1.0 + 0.09 * style[:, 7:8] * np.cos(np.pi * (paths.progress[glyph, :-1] * 1.5 + 0.2))
    pressure = pressure / (pressure * share).sum(1, keepdims=True)
    radius = np.where(joined, full["thickness"][:, np.newaxis] / 2.0 * pressure, -np.float32(IMAGE_SIZE))
    x = x + CENTER - (share * (x[:, 1:] + x[:, :-1]) / 2.0).sum(1, keepdims=True)
    y = y + CENTER - (share * (y[:, 1:] + y[:, :-1]) / 2.0).sum(1, keepdims=True)
    return [np.ascontiguousarray(a, np.float32) for a in (x[:, :-1], y[:, :-1], x[:, 1:], y[:, 1:], radius)]


def _place(x, y, full):
    """Scales, shears and rotates points; in pixels, but not yet centered in the image."""
    slant, rotation, size = (full[k].astype(np.float64)[:, np.newaxis] for k in ("slant", "rotation", "size"))
    scale = NOMINAL_HEIGHT * size / (y.max(1, keepdims=True) - y.min(1, keepdims=True))
    x, y = scale * (x - np.tan(np.radians(slant)) * y), scale * y
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    return cos * x + sin * y, cos * y - sin * x


def _coverage(x0, y0, x1, y1, radius):
    """Returns the coverage of each pixel by the pen, float32 [n, 28, 28], from arrays [n, S] of segments.

    A line of width 2 r, seen through a tent one pixel wide to each side: S(r - d) + S(r + d) - 1 at distance d, with
    the soft step S(u) = 1/2 + u - u |u| / 2 between -1 and 1. So the ink across a line sums to 2 r wherever it lies.
    """
    grid = np.arange(IMAGE_SIZE, dtype=np.float32)
    half = np.maximum(np.hypot(x1 - x0, y1 - y0) / 2, np.float32(1e-3))[:, :, np.newaxis]
    ux, uy = ((b - a)[:, :, np.newaxis] / (2 * half) for a, b in ((x0, x1), (y0, y1)))
    px, py = (grid - ((a + b) / 2)[:, :, np.newaxis] for a, b in ((x0, x1), (y0, y1)))
    along = (px * ux)[:, :, np.newaxis, :] + (py * uy)[:, :, :, np.newaxis]  # [n, S, 28, 28]
    across = (px * uy)[:, :, np.newaxis, :] - (py * ux)[:, :, :, np.newaxis]
    np.abs(along, out=along)
    along -= half[..., np.newaxis]
    np.maximum(along, 0, out=along)
    along *= along
    across *= across
    across += along
    np.sqrt(across, out=across)
    np.subtract(radius[:, :, np.newaxis, np.newaxis], across, out=across)
    inside = across.max(axis=1)
    both = radius.max(axis=1)[:, np.newaxis, np.newaxis] * 2
    return np.clip(_soft_step(inside) + _soft_step(both - inside) - 1, 0, 1)


def _soft_step(u):
    u = np.clip(u, -1, 1)
    return np.float32(0.5) + u - u * np.abs(u) / 2
