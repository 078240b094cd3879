"""Backups on disk, one file each, written atomically."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
import warnings

import keras
import numpy as np

from keras_ae.io.writing import replacing

_FORMAT = 1
_KEPT = 2  # the newest, and the previous one in case the newest is damaged
_STATES = "states"
_CHECKSUM = "sha256"


@dataclasses.dataclass(frozen=True)
class Backup:
    """Contents of a file: the number of trained epochs, the variables, and the states of callbacks."""

    path: pathlib.Path
    epoch: int
    names: list
    arrays: dict
    states: dict

    def restore(self, variables: list[keras.Variable]) -> None:
        """Restores the values of variables.

        Raises:
            ValueError: if the variables belong to another model.
        """
        mine = [_name(variable) for variable in variables]
        if self.names != mine:
            other = next((pair for pair in zip(self.names, mine, strict=False) if pair[0] != pair[1]), None)
            raise ValueError(
                f"{self.path} is a backup of another model. It has {len(self.names)} variables, not {len(mine)}"
                + (f"; the first that differs is {other[0]} there, and {other[1]} here." if other else ".")
            )
        for i, variable in enumerate(variables):
            variable.assign(self.arrays[str(i)])


class Backups:
    """The backups in a folder.

        epoch-000012.npz     variables, and callback states as JSON with a checksum of everything
        epoch-000012.damaged an unreadable backup
        stopped.keras        the model of a stopped training run

    Args:
        directory: `pathlib.Path` of the folder.
    """

    def __init__(self, directory: pathlib.Path):
        self.directory = directory

    def write(self, epoch: int, variables: list[keras.Variable], states: dict) -> None:
        """Writes a backup, and removes old backups and backups of later epochs.

        Args:
            epoch: number of trained epochs.
            variables: list of Keras variables.
            states: nested dictionaries and lists of numbers, strings, `None` and arrays.
        """
        arrays = {str(i): np.asarray(variable) for i, variable in enumerate(variables)}
        header = {"format": _FORMAT, "epoch": epoch, "names": [_name(variable) for variable in variables]}
        header[_STATES] = _packed(states, arrays)
        header[_CHECKSUM] = _checksum(header, arrays)
        header = np.frombuffer(json.dumps(header).encode(), np.uint8)
        with replacing(self._path(epoch)) as temporary:
            np.savez(temporary, header=header, **arrays)
        paths = self._paths()
        newest = paths.index(self._path(epoch))
        for path in (*paths[:newest], *paths[newest + _KEPT :]):
            path.unlink(missing_ok=True)

    def newest(self) -> Backup | None:
        """Returns the newest readable `Backup`, or `None`."""
        for path in self._paths():
            try:
                return _read(path)
            except (
                Exception
            ) as error:  # zipfile and NumPy raise many types, including NotImplementedError and zlib.error
                warnings.warn(f"{path} is damaged ({error}): the previous backup is used.", stacklevel=2)
        return None

    def set_aside(self, epoch: int) -> None:
        """Renames the unreadable backups after an epoch, so that they do not count as kept backups."""
        for path in self._paths():
            if path > self._path(epoch):
                path.replace(path.with_suffix(".damaged"))

    def keep_model(self, model: keras.Model) -> None:
        model.save(self.directory / "stopped.keras")

    def delete(self) -> None:
        """Removes the backups, and the folder if it is then empty."""
        for path in (*self._paths(), *self.directory.glob("epoch-*.damaged")):
            path.unlink(missing_ok=True)
        for path in self.directory.glob(".epoch-*"):  # from a process that was killed while writing
            shutil.rmtree(path, ignore_errors=True)
        if self.directory.is_dir() and not any(self.directory.iterdir()):
            self.directory.rmdir()

    def _path(self, epoch):
        return self.directory / f"epoch-{epoch:06}.npz"

    def _paths(self):
        """Returns the paths of the backups, newest first."""
        return sorted(self.directory.glob("epoch-*.npz"), reverse=True)


def _read(path):
    with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays.pop("header").tobytes())
    if header["format"] != _FORMAT:
        raise ValueError(f"its format is {header['format']!r}, not {_FORMAT}")
    checksum = header.pop(_CHECKSUM, None)  # the first backups had none
    if checksum not in (None, _checksum(header, arrays)):
        raise ValueError("its checksum does not match its content")
    backup = Backup(path, header["epoch"], header["names"], arrays, _unpacked(header[_STATES], arrays))
    found = {name for name in arrays if not name.startswith("state-")}
    if found != {str(i) for i in range(len(backup.names))}:
        raise ValueError(f"it has {len(found)} arrays for {len(backup.names)} variables")
    for i, name in enumerate(backup.names):
        if f" {list(arrays[str(i)].shape)} " not in name:
            raise ValueError(f"its array {i}, of {name}, has the shape {list(arrays[str(i)].shape)}")
    return backup


def _checksum(header, arrays):
    """Returns the SHA-256 of a header and of the names, dtypes, shapes and values of arrays."""
    digest = hashlib.sha256(json.dumps(header).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str[1:]} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return digest.hexdigest()


def _name(variable):
    # Only the end of the name, because layer names count the layers that a process has created.
    return f"{variable.name.rsplit('_', 1)[-1]} {list(variable.shape)} {variable.dtype}"


def _packed(value, arrays):
    """Converts a nested value for JSON, and moves its arrays into `arrays`."""
    if isinstance(value, dict):
        return {str(key): _packed(entry, arrays) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_packed(entry, arrays) for entry in value]
    if isinstance(value, np.ndarray):
        name = f"state-{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    return value.item() if isinstance(value, np.generic) else value


def _unpacked(value, arrays):
    if isinstance(value, dict):
        if set(value) == {"array"}:
            return arrays[value["array"]]
        return {key: _unpacked(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_unpacked(entry, arrays) for entry in value]
    return value
