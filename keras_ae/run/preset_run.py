import pathlib
from typing import TYPE_CHECKING, Any

from keras_ae.io.json_files import read_json
from keras_ae.released.card import damage, read_card
from keras_ae.released.catalogue import find
from keras_ae.run.run import Run

if TYPE_CHECKING:  # slow: imports TensorFlow
    from keras_ae.autoencoder import Autoencoder


class PresetRun(Run):
    """A released model as the run that it came from, for the commands that take a run.

    Args:
        preset: a name, a folder or an address, as in `kae.from_preset`.
    """

    def __init__(self, preset: str):
        super().__init__(find(preset))
        self.card = read_card(self.path)

    @property
    def name(self) -> str:
        return self.card["path"]

    @property
    def outputs(self) -> pathlib.Path:
        return pathlib.Path(self.name)  # in the working folder: the preset stays as it is

    @property
    def config(self) -> dict[str, Any]:
        return self.card["recipe"]

    @property
    def recipe(self) -> dict[str, Any]:
        if not self.config:
            raise ValueError(f"The preset {self.name} was saved without a run: its data are unknown.")
        return super().recipe

    @property
    def details(self) -> dict[str, dict[str, Any]]:
        return {name: self.card[name] for name in ("data", "training", "metrics") if self.card.get(name)}

    @property
    def history(self) -> dict[str, list[float]]:
        path = self.path / "history.json"
        if "history.json" in self.card["files"] and "history.json" not in damage(self.path, self.card):
            return read_json(path)
        raise FileNotFoundError(f"The preset {self.name} has no history of its training.")

    def check_has_model(self) -> None:
        pass  # `model` compares its files with the card

    def model(self) -> "Autoencoder":
        from keras_ae.released.load import from_preset

        return from_preset(self.path)
