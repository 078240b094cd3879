import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_ae.callbacks.callback import is_chief
from keras_ae.callbacks.events import Events
from keras_ae.callbacks.observer import Observer
from keras_ae.callbacks.pages import page
from keras_ae.drawing.figure_files import save, write_gif
from keras_ae.io.writing import replacing
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size

_ARRAYS = "snapshots.npz"


@keras.saving.register_keras_serializable(package="keras_ae")
class Snapshots(Observer):
    """Plots reconstructions and samples during training: a PNG at chosen steps, and a GIF of all at the end.

        snapshot-00001000.png, ...    after this number of steps
        snapshots.npz                 the examples and their reconstructions: see `read_snapshots`
        snapshots.gif                 all snapshots as a film

    A snapshot shows the examples, their reconstructions, and rows of samples, always from the same seed, so snapshots
    are comparable. In a conditional model, each column of samples has the condition of its example.

    Callbacks run between calls of the training function, and a call may train many steps
    (`compile(steps_per_execution=...)`): a snapshot is taken after the first call that reaches or passes its step, and
    its name is the number of completed steps, `snapshot-00001000.png`. Step 0 is before training.

    Steps are optimizer steps, so a resumed run continues with the remaining snapshots, and the GIF shows all snapshots
    in the folder. A run that starts at step 0 removes the `snapshot-*.png` of an earlier run. `write_gif` makes the GIF
    of an interrupted run.

    Args:
        directory: folder of the snapshots, created if missing.
        x: examples [N, *event]; about ten fit a page.
        condition: the conditions of the examples, for a conditional model.
        every: number of steps between snapshots, or
        steps: the steps of the snapshots, a sequence of integers.
        sample_rows: rows of samples, with one sample per example; none for a model without a prior.
        seed: seed of the samples.
        seconds: duration of each snapshot in the GIF.
        log_dir: folder of TensorBoard event files for the same snapshots, or `None`. A resumed run starts a new file:
            steps after the last backup are in two files, with the same values.

    Attributes:
        reconstructions: {step: reconstructions of the examples, float32 [N, *event]}: `keras_ae.explore.learning`
            draws them.

    Raises:
        ValueError: for arguments out of range; when training starts, for examples that do not fit the model.

    Example:
        >>> import numpy as np, tempfile
        >>> from keras_ae.models import VAE
        >>> x = np.random.default_rng(0).random([64, 8, 8, 1])
        >>> model = VAE(latent_dim=2)
        >>> model.compile()
        >>> snapshots = Snapshots(tempfile.mkdtemp(), x[:5], every=2)
        >>> history = model.fit(x, batch_size=16, epochs=1, verbose=0, callbacks=[snapshots])  # 4 steps in one call
        >>> [path.name for path in snapshots.pictures]
        ['snapshot-00000000.png', 'snapshot-00000004.png']
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        x: Any,
        *,
        condition: Any = None,
        every: int | None = None,
        steps: Sequence[int] | None = None,
        sample_rows: int = 2,
        seed: int = 0,
        seconds: float = 0.5,
        log_dir: str | os.PathLike | None = None,
    ):
        super().__init__(x, condition)
        if (every is None) == (steps is None):
            raise ValueError(
                f"Exactly one of `every` and `steps` must be given. Received: every={every!r}, steps={steps!r}"
            )
        self.directory = pathlib.Path(directory)
        self.every = None if every is None else check_size("every", every, high=MAX_COUNT)
        self.steps = None if steps is None else _check_steps(steps)
        self.sample_rows = check_size("sample_rows", sample_rows, low=0)
        self.seed = check_seed(seed)
        self.seconds = check_number("seconds", seconds, low=0.02)  # the shortest duration that GIF viewers support
        self.log_dir = None if log_dir is None else str(log_dir)
        self.seen = self.events = None
        self.reconstructions = {}

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.seen = self.events = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.seen is None:  # not when training starts: a resumed run does not know its step yet
            self._begin()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._draw_if_due()

    def on_train_end(self, logs: dict | None = None) -> None:
        if not is_chief(self.model):
            return
        self.write_gif()
        if self.events is not None:
            self.events.close()

    @property
    def pictures(self) -> list[pathlib.Path]:
        """The paths of the snapshots in the folder, ordered by step."""
        names = {path: re.fullmatch(r"snapshot-(\d{8,})\.png", path.name) for path in self.directory.glob("*.png")}
        return sorted((path for path, match in names.items() if match), key=lambda path: int(names[path][1]))

    def write_gif(self) -> pathlib.Path | None:
        """Writes `snapshots.gif` from the snapshots in the folder; returns its path, or `None` without snapshots."""
        pictures = self.pictures
        return write_gif(pictures, self.directory / "snapshots.gif", seconds=self.seconds) if pictures else None

    def get_config(self):
        names = ("every", "steps", "sample_rows", "seed", "seconds", "log_dir")
        return {
            **super().get_config(),
            "directory": str(self.directory),
            **{name: getattr(self, name) for name in names},
        }

    def _begin(self):
        step = self.step
        self.seen = step if step else -1  # -1: step 0 is still to come
        if not is_chief(self.model):
            return
        if self.log_dir is not None:
            self.events = Events(self.log_dir)
        if step == 0:
            self.reconstructions = {}
            for path in self.pictures:
                path.unlink()
            self._draw_if_due()
        elif (self.directory / _ARRAYS).is_file():
            _, found = read_snapshots(self.directory)
            self.reconstructions = {each: values for each, values in found.items() if each <= step}

    def _draw_if_due(self):
        before, self.seen = self.seen, self.step
        if self.every is not None:
            due = self.seen // self.every > before // self.every
        else:
            due = any(before < step <= self.seen for step in self.steps)
        if due and is_chief(self.model):
            self._draw(self.seen)

    def _draw(self, step):
        name = type(self.model).__name__
        self.reconstructions[step] = np.asarray(self.model.reconstruct(self.x, self.condition))
        figure = page(
            self.model,
            self.x,
            self.condition,
            output=self.reconstructions[step],
            sample_rows=self.sample_rows,
            seed=self.seed,
            title=f"{name}, step {step:,}".center(len(name) + 17),  # the same width at every step
        )
        path = save(figure, self.directory / f"snapshot-{step:08}.png")
        with replacing(self.directory / _ARRAYS) as temporary:
            np.savez(temporary, x=self.x, **{str(each): values for each, values in self.reconstructions.items()})
        if self.events is not None:
            with Image.open(path) as image:
                self.events.png("snapshot", path.read_bytes(), image.size, step)
            self.events.flush()


def read_snapshots(directory: str | os.PathLike) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Returns the examples [N, *event] and {step: their reconstructions} that `Snapshots` wrote into a folder.

    Raises:
        FileNotFoundError: if it wrote none.
    """
    with np.load(pathlib.Path(directory) / _ARRAYS, allow_pickle=False) as arrays:
        return arrays["x"], {int(name): arrays[name] for name in arrays.files if name != "x"}


def _check_steps(steps):
    if not isinstance(steps, (list, tuple, range, np.ndarray)) or not len(steps):
        raise ValueError(f"`steps` must be a sequence of integers. Received: steps={steps!r}")
    return sorted(check_size("steps", step, low=0, high=MAX_COUNT) for step in steps)
