"""What `--set NAME=VALUE` says, without TensorFlow: names and values. What they mean is found out in `run.assembly`."""

import json

import typer

_WORDS = {"None": None, "none": None, "True": True, "False": False}


def parse_settings(texts, **options):
    """Settings of a model.

    Args:
        texts: such as ["prior=vamp", "prior.components=500", "encoder.hidden=[300,300]"].
        **options: what other options of the command line set; `None` for what they leave open.

    Returns:
        Dictionary of names to numbers, words, lists, true, false or `None`.

    Raises:
        typer.BadParameter: for a text that is none, and for a name that is given twice.

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
    for candidate in (value, f"[{value}]"):  # 300,300 is a list too: brackets mean something to some shells
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
    raise ValueError(constant)  # NaN and Infinity are no JSON, and no setting


def _refuse(text):
    raise typer.BadParameter(text, param_hint="--set")
