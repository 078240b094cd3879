"""What the inputs and outputs of an export stand for, in which unit, and which values they have."""

from keras_ae.checks import Support
from keras_ae.conditions import Categorical
from keras_ae.latents import StandardNormal

_SEED = "integers in [0, 2**31)"
_NATS = {"unit": "nats", "range": "finite"}


def meanings(model, signatures):
    """{name: {"meaning", "unit", "range"}} for the names of the inputs and outputs in some signatures.

    Args:
        model: a built `Autoencoder`.
        signatures: as on a `Card`.
    """
    known = {
        "z": {"meaning": f"code, {model.latent_dim} values", "unit": _unit_of_codes(model), "range": "finite"},
        "scale": {"meaning": "standard deviation of q(z|x)", "unit": _unit_of_codes(model), "range": "at least 0"},
        "x": {"meaning": "example; the mean of p(x|z) as an output", **_values(model)},
        "seed": {"meaning": "what a picture is drawn from", "unit": "none", "range": _SEED},
        "row": {"meaning": "number of a picture of its seed", "unit": "none", "range": _SEED},
        "num": {"meaning": "number of pictures", "unit": "pictures", "range": "integers from 1 to the limit below"},
        "elbo": {"meaning": "evidence lower bound, -(rate + distortion)", **_NATS},
        "rate": {"meaning": "KL divergence of q(z|x) from the prior", **_NATS},
        "distortion": {"meaning": "-log p(x|z)", **_NATS},
        **({} if model.condition is None else _properties(model.condition)),
    }
    names = {name for each in signatures.values() for side in each.values() for name in side}
    return {name: meaning for name, meaning in known.items() if name in names}


def _unit_of_codes(model):
    prior = model.prior_layer
    if isinstance(prior, StandardNormal):
        return "standard deviations of the prior"
    return "that of the encoder" if prior is None else f"that of the prior, {type(prior).__name__}"


def _values(model):
    support = model.likelihood_layer.support
    if support is None:
        return {"unit": "that of the data", "range": "finite"}
    support = Support(*support)
    unit = "grey level, 0 to 1" if support[:2] == (0.0, 1.0) else "counts" if support.whole else "that of the data"
    values = str(Support(support.low, support.high)).removeprefix("in ")
    return {"unit": unit, "range": f"{values}, as an input whole numbers" if support.whole else values}


def _properties(condition):
    return {
        name: {"meaning": "label", "unit": "none", "range": f"integers in [0, {part.num_classes})"}
        if isinstance(part, Categorical)
        else {"meaning": "property", "unit": "that of the data", "range": _seen(part)}
        for name, part in getattr(condition, "properties", {"condition": condition}).items()
    }


def _seen(part):
    """A `Continuous` property takes any finite number; what it was trained on is worth knowing."""
    pairs = zip(part.loc.numpy(), part.scale.numpy(), strict=True)
    each = ", ".join(f"{loc:.3g} +- {scale:.3g}" for loc, scale in pairs)
    return f"finite; in training {each}" if part.adapted.numpy() else "finite"
