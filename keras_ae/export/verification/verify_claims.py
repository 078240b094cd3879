"""What a card claims of an export, against what is found when it is run again."""

from keras_ae.export.card.artifact_files import size

# An error may be larger where it is measured again: another processor adds in another order. Twice as large, and by a
# rounding of float32 in deep networks, as a part of the largest value, where the card has almost none.
_MORE, _ROUNDING = 2.0, 1e-5


def budget_of(card):
    """The budgets {"relative", "spread": number} that its card allows an export."""
    budget = card["quality"].get("budget")
    table = budget if isinstance(budget, dict) else {}
    return {name: value for name, value in table.items() if name in ("relative", "spread") and _is_number(value)}


def spread_of(card):
    """{"x", or "z" where it does nothing but encode: the standard deviation of samples}, as its card has it."""
    spread, output = card["quality"].get("standard_deviation"), "z" if list(card["signatures"]) == ["encode"] else "x"
    return {output: spread} if _is_number(spread) else {}


def check_claims(card, found, probes, artifact):
    """Raises a `ValueError` where a card claims what is not so.

    Args:
        card: dictionary, what `read_card` gives.
        found: what `compare` gives.
        probes: list of `Probe` that were compared.
        artifact: `pathlib.Path` of the export.
    """
    if found["signatures"] != card["signatures"]:
        raise ValueError(f"signatures differ: they are {found['signatures']}")
    if card["bytes"].get("total") != size(artifact):
        raise ValueError(f"size differs: it is {size(artifact)} bytes, the card says {card['bytes'].get('total')}")
    for signature, outputs in found["errors"].items():
        for output, measured in outputs.items():
            claimed = _claimed(card["errors"], signature, output)
            if claimed is None:
                raise ValueError(f"errors missing: the card has none of `{output}` of `{signature}`")
            largest = max(probe.size(output) for probe in probes if probe.signature == signature)
            levels = 1.0 if output == "png_bytes" else 0.0  # either of two levels is right
            if not measured["max"] <= _MORE * claimed + _ROUNDING * largest + levels:
                raise ValueError(
                    f"errors differ: `{output}` of `{signature}` differs from the model by {measured['max']:.2g}, the "
                    f"card says {claimed:.2g}"
                )


def _claimed(errors, signature, output):
    """The largest error of an output on a card, or `None`."""
    try:
        claimed = errors[signature][output]["max"]
    except (KeyError, TypeError):
        return None
    return claimed if _is_number(claimed) else None


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
