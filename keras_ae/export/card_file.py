"""Cards as files that may come from anywhere."""

import os
import re

from keras_ae.export.companions import FILES
from keras_ae.files import inside, read_json

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


def _check(card, folder):
    if card.get("card") != FORMAT:
        raise ValueError(f"`card` must be {FORMAT}. Received: {card.get('card')!r}")
    if card.get("format") not in FORMATS:
        raise ValueError(f"`format` must be one of {FORMATS}. Received: {card.get('format')!r}")
    if not isinstance(card.get("quantize"), str) or not isinstance(card.get("signatures"), dict):
        raise ValueError("`quantize` must be a text and `signatures` a dictionary.")
    files = card.get("files")
    if not isinstance(files, dict) or not files:
        raise ValueError("`files` must be a dictionary.")
    for name, known in files.items():
        inside(folder, name)
        fits = isinstance(known, dict) and isinstance(known.get("bytes"), int) and isinstance(known.get("sha256"), str)
        if not fits or not _HASH.fullmatch(known["sha256"]):
            raise ValueError(f"`files` must have the bytes and SHA-256 of {name}.")
