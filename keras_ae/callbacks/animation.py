"""Pictures one after the other, in one file."""

from PIL import Image

from keras_ae.io.writing import replacing


def write_gif(pictures, path, *, seconds=0.5):
    """Writes a GIF that shows pictures one after the other, again and again.

    Args:
        pictures: paths of image files, at least one; a smaller one stands in the top left corner of white.
        path: the file to write.
        seconds: how long each picture is shown.

    Returns:
        The path.
    """
    size = tuple(max(lengths) for lengths in zip(*map(_size, pictures), strict=True))
    first, *rest = pictures
    with replacing(path) as temporary:
        _frame(first, size).save(
            temporary,
            save_all=True,
            append_images=(_frame(picture, size) for picture in rest),  # one picture in memory at a time
            duration=round(1000 * seconds),
            loop=0,
        )
    return path


def _size(picture):
    with Image.open(picture) as image:
        return image.size


def _frame(picture, size):
    canvas = Image.new("RGB", size, "white")
    with Image.open(picture) as image:
        canvas.paste(image.convert("RGB"))
    return canvas.quantize(256)
