"""Stores probes in a file, so that an export can be verified again without its model."""

import pathlib
import re
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from keras_ae.io.archives import check_archive

_KEY = re.compile(r"(\d{1,4})/([A-Za-z]\w*)/(inputs|outputs|tolerances)/(\w+)")


class Probe(NamedTuple):
    """A call of a signature: its inputs {name: array}, and the model's outputs {name: array}.

    `tolerances` are {name: array} for outputs that are steps of another output, such as a p-value: how much they change
    within its tolerance.
    """

    signature: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    tolerances: dict[str, np.ndarray] = MappingProxyType({})

    def size(self, output: str) -> float:
        """Returns the scale of an output for relative errors: its largest absolute value."""
        # A KL or an ELBO near 0 is the difference of larger numbers, and has their rounding error.
        nats = ("elbo", "kl", "reconstruction")
        names = nats if output in nats else [output]
        return max(np.abs(self.outputs[name]).max() for name in names if name in self.outputs)


def write_probes(path: pathlib.Path, probes: list[Probe]) -> None:
    """Writes an .npz file with arrays "<number>/<signature>/<side>/<name>"; sides are inputs, outputs, tolerances."""
    arrays = {
        f"{number}/{probe.signature}/{side}/{name}": array
        for number, probe in enumerate(probes)
        for side in ("inputs", "outputs", "tolerances")
        for name, array in getattr(probe, side).items()
    }
    np.savez(path, **arrays)


def read_probes(path: pathlib.Path) -> list[Probe]:
    """Reads an untrusted file that `write_probes` wrote.

    Raises:
        ValueError: for an invalid file, with its name.
    """
    probes = {}
    try:
        check_archive(path)
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            for key in file.files:
                number, signature, side, name = _KEY.fullmatch(key).groups()
                probe = probes.setdefault(int(number), Probe(signature, {}, {}, {}))
                getattr(probe, side)[name] = _numbers(file[key])
    except Exception as error:  # the class depends on the damage
        raise ValueError(f"{path} could not be read as probes: {error}") from error
    if not probes:
        raise ValueError(f"{path} contains no probes.")
    return [probes[number] for number in sorted(probes)]


def _numbers(array):
    if array.dtype.kind not in "fiu" or array.dtype.hasobject:
        raise ValueError(f"dtype {array.dtype}")
    return array
