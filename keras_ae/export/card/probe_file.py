"""Probes in a file, so that numbers can be verified again where the model is gone."""

import re
from typing import NamedTuple

import numpy as np

from keras_ae.io.archives import check_archive

_KEY = re.compile(r"(\d{1,4})/([A-Za-z]\w*)/(inputs|outputs)/(\w+)")


class Probe(NamedTuple):
    """One call: the signature, its inputs {name: array} and the outputs {name: array} of the model."""

    signature: str
    inputs: dict
    outputs: dict

    def size(self, output):
        """What the error of an output is measured by: its largest value."""
        # A KL near 0 is what is left of larger numbers, and so is an elbo.
        nats = ("elbo", "kl", "reconstruction")
        names = nats if output in nats else [output]
        return max(np.abs(self.outputs[name]).max() for name in names if name in self.outputs)


def write_probes(path, probes):
    """Writes probes as arrays "<number>/<signature>/inputs/<name>" and ".../outputs/<name>" of an .npz file."""
    arrays = {
        f"{number}/{probe.signature}/{side}/{name}": array
        for number, probe in enumerate(probes)
        for side, table in (("inputs", probe.inputs), ("outputs", probe.outputs))
        for name, array in table.items()
    }
    np.savez(path, **arrays)


def read_probes(path):
    """The probes in a file that `write_probes` wrote; the file may come from anywhere.

    Raises:
        ValueError: for anything else, with the name of the file.
    """
    probes = {}
    try:
        check_archive(path)
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            for key in file.files:
                number, signature, side, name = _KEY.fullmatch(key).groups()
                probe = probes.setdefault(int(number), Probe(signature, {}, {}))
                getattr(probe, side)[name] = _numbers(file[key])
    except Exception as error:  # of the libraries that take the file apart: what it is depends on the damage
        raise ValueError(f"{path} could not be read as probes: {error}") from error
    if not probes:
        raise ValueError(f"{path} has no probes.")
    return [probes[number] for number in sorted(probes)]


def _numbers(array):
    if array.dtype.kind not in "fiu" or array.dtype.hasobject:
        raise ValueError(f"dtype {array.dtype}")
    return array
