"""Those who train the same task, each in a process of its own."""

import dataclasses
import importlib.util


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A way to train.

    Args:
        name: on the command line and in the results.
        label: in tables and pictures.
        module: file in this folder.
        options: what its `run` is told.
        package: what must be installed.
        library: whose kernels do the work.
        share: of the best matrix product, roughly, for the estimate of the time that the benchmark takes.
        start: seconds until the first epoch, roughly, for the same.
    """

    name: str
    label: str
    module: str
    options: dict
    package: str
    library: str
    share: float
    start: float = 6.0

    @property
    def is_installed(self):
        return importlib.util.find_spec(self.package) is not None


_TF, _TORCH = "tensorflow", "torch"
CONTESTANTS = {
    c.name: c
    for c in (
        Contestant("keras_ae", "keras_ae", "keras_ae_fit", {}, "keras_ae", _TF, 0.3),
        Contestant("keras_ae-xla", "keras_ae, XLA", "keras_ae_fit", {"jit_compile": True}, "keras_ae", _TF, 0.2),
        Contestant("keras_ae-tf", "keras_ae, no XLA", "keras_ae_fit", {"jit_compile": False}, "keras_ae", _TF, 0.2),
        Contestant("keras", "Keras fit", "keras_fit", {"jit_compile": False}, "keras", _TF, 0.14),
        Contestant("keras-jit", "Keras fit, jit", "keras_fit", {"jit_compile": True}, "keras", _TF, 0.14),
        Contestant("xla-loop", "XLA by hand", "xla_loop", {}, "tensorflow", _TF, 0.3),
        Contestant("torch", "PyTorch eager", "torch_loop", {"compile": False}, "torch", _TORCH, 0.25, 5.0),
        Contestant("torch-compile", "torch.compile", "torch_loop", {"compile": True}, "torch", _TORCH, 0.3, 30.0),
        Contestant("pythae", "Pythae", "pythae_trainer", {}, "pythae", _TORCH, 0.12, 5.0),
    )
}
