"""Parses `--set NAME=VALUE` without TensorFlow; `run.assembly` interprets the names."""

import json

import typer

_WORDS = {"None": None, "none": None, "True": True, "False": False}


def parse_settings(texts, **options):
    """Parses the settings of a model.

    Args:
        texts: such as ["prior=vamp", "prior.components=500", "encoder.hidden=[300,300]"].
        **options: settings from other command-line options; `None` for unset ones.

    Returns:
        Dictionary of names to numbers, words, lists, booleans or `None`.

    Raises:
        typer.BadParameter: for invalid syntax, and for a repeated name.

    Example:
        >>> parse_settings(["prior=vamp", "prior.components=500"], latent_dim=8)
        {'latent_dim': 8, 'prior': 'vamp', 'prior.components': 500}
        >>> parse_settings(["prior.parts=[standard_normal,uniform_categorical]", "prior.parts.1.num_classes=5"])
        {'prior.parts': ['standard_normal', 'uniform_categorical'], 'prior.parts.1.num_classes': 5}
    """
    settings = {name: value for name, value in options.items() if value is not None}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        first, *others = name.split(".")
        named = first.isidentifier() and all(each.isidentifier() or each.isdecimal() for each in others)
        if not value or not named:
            _refuse(f"must be NAME=VALUE, such as prior=vamp or prior.components=500. Received: {text}")
        if name in settings:
            _refuse(f"{name} is given twice. Received: {text}")
        settings[name] = _value(text, value)
    return settings


def _value(text, value):
    if value in _WORDS:
        return _WORDS[value]
    for candidate in (value, f"[{value}]"):  # 300,300 is a list too, because some shells interpret brackets
        try:
            parsed = json.loads(candidate, parse_constant=_not_a_number)
        except ValueError:
            continue
        if isinstance(parsed, dict):
            _refuse(f"a value must be a number, a word or a list of these. Received: {text}")
        return parsed
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if bare is value and "," not in value:
        return value
    return [_value(text, each.strip()) for each in bare.split(",")]


def _not_a_number(constant):
    raise ValueError(constant)  # NaN and Infinity are not JSON, and not valid settings


def _refuse(text):
    raise typer.BadParameter(text, param_hint="--set")
