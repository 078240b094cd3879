import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

_LINES = 10


class ProgressBar(keras.callbacks.Callback):
    """Shows training progress in one line: a bar in a terminal, about ten plain lines elsewhere.

        VAE  epoch  12/60  loss 26.85  kl 3.12  reconstruction 23.73  val_loss 27.02  nats

    Use it with `verbose=0`: `model.fit(x, verbose=0, callbacks=[ProgressBar("VAE")])`.

    Args:
        label: name of the model.
        console: a `rich.console.Console`; by default standard output.
    """

    def __init__(self, label, console=None):
        super().__init__()
        self.label = label
        self.console = console or Console()
        self.bar = None

    def on_train_begin(self, logs=None):
        self.epochs = self.params["epochs"]
        if not self.console.is_terminal:
            return
        columns = ["{task.description}", BarColumn(12), "{task.completed:.0f}/{task.total}", "{task.fields[numbers]}"]
        columns = [TextColumn(column) if isinstance(column, str) else column for column in columns]
        self.bar = Progress(*columns, TimeElapsedColumn(), console=self.console)
        self.task = self.bar.add_task(self.label, total=self.epochs, numbers="first epoch")
        self.bar.start()

    def on_prepare(self, purpose):
        if self.bar is not None:
            self.bar.update(self.task, numbers=purpose)
        else:
            self.console.print(f"{self.label}  {purpose}", soft_wrap=True)

    def on_epoch_end(self, epoch, logs=None):
        terms = {tracker.name for tracker in self.model.trackers}  # other logs are not in nats
        logs = {name: value for name, value in (logs or {}).items() if name.removeprefix("val_") in terms}
        if self.bar is not None:
            self.bar.update(self.task, completed=epoch + 1, numbers=describe(logs, short=True))
        elif (epoch + 1) % max(1, self.epochs // _LINES) == 0 or epoch + 1 == self.epochs:
            width = len(str(self.epochs))
            self.console.print(
                f"{self.label}  epoch {epoch + 1:{width}}/{self.epochs}  {describe(logs)}", soft_wrap=True
            )

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Restores the terminal; call it if `fit` may have been interrupted."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def describe(logs, short=False):
    """Returns the logs of an epoch as text, in nats; `short` omits validation, for one line beside a bar."""
    names = [name for name in logs if not name.startswith("val_") or (name == "val_loss" and not short)]
    names = [name for name in names if not (name == "reconstruction" and "kl" not in logs)]  # the same as the loss
    names = sorted(names, key=lambda name: ("loss", "kl", "reconstruction").index(name) if name in _TERMS else 3)
    separator = " " if short else "  "
    return separator.join(f"{name} {logs[name]:.2f}" for name in names) + " nats"


_TERMS = ("loss", "kl", "reconstruction")
