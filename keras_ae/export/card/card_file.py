"""Cards as files that may come from anywhere."""

import json
import os
import re

from keras_ae.export.card.artifact_files import FILES
from keras_ae.export.card.card_text import card_text
from keras_ae.export.litert.conversion import QUANTIZE
from keras_ae.io.json_files import plain, read_json
from keras_ae.io.paths import inside

FORMAT = 1  # of the card itself
FORMATS = ("saved_model", *FILES.values())
_LARGEST = 1 << 20  # bytes
_HASH = re.compile("[0-9a-f]{64}")


def read_card(path):
    """The fields of a card that verification needs, checked: a dictionary.

    Raises:
        FileNotFoundError: where there is no card.
        ValueError: for a file that is damaged, or is something else, with the name of the file.
    """
    if path.is_file() and os.path.getsize(path) > _LARGEST:
        raise ValueError(f"{path} must have {_LARGEST} bytes at most. Received: {os.path.getsize(path)}")
    card = read_json(path)
    try:
        _check(card, path.parent)
    except ValueError as error:
        raise ValueError(f"{path} is no card of an export: {error}") from error
    return card


def check_json(argument, value):
    """Returns a value as JSON has it, or raises a `ValueError` where it does not."""
    try:
        return json.loads(json.dumps(plain(value)))
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(
            f"`{argument}` must consist of texts, numbers, lists and dictionaries, as JSON does. Received: {error}"
        ) from error


def text_of(card, name):
    """The Markdown of a card, from its fields.

    Args:
        card: dictionary, what `read_card` gives or `Card.fields`.
        name: of the file with the Markdown, whose own size and hash it cannot hold.

    Raises:
        ValueError: for fields that are not those of a card.
    """
    try:
        files = {file: known for file, known in card["files"].items() if file != name}
        return card_text({**card, "files": files})
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"The fields are not those of a card: {type(error).__name__}: {error}") from error


def _check(card, folder):
    if card.get("card") != FORMAT:
        raise ValueError(f"`card` must be {FORMAT}. Received: {card.get('card')!r}")
    if card.get("format") not in FORMATS:
        raise ValueError(f"`format` must be one of {FORMATS}. Received: {card.get('format')!r}")
    quantize = QUANTIZE if card["format"] == "litert" else ("none",)
    if card.get("quantize") not in quantize:  # it chooses the tolerance
        raise ValueError(f"`quantize` must be one of {quantize}. Received: {card.get('quantize')!r}")
    if card.get("verified") is not True:
        raise ValueError(f"`verified` must be true. Received: {card.get('verified')!r}")
    for name in ("signatures", "errors", "bytes", "quality"):
        if not isinstance(card.get(name), dict):
            raise ValueError(f"`{name}` must be a dictionary.")
    files = card.get("files")
    if not isinstance(files, dict) or not files:
        raise ValueError("`files` must be a dictionary.")
    for name, known in files.items():
        inside(folder, name)
        fits = isinstance(known, dict) and isinstance(known.get("bytes"), int) and isinstance(known.get("sha256"), str)
        if not fits or not _HASH.fullmatch(known["sha256"]):
            raise ValueError(f"`files` must have the bytes and SHA-256 of {name}.")
