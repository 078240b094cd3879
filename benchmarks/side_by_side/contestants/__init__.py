"""The contestants of the training benchmark, each in a separate process."""

import dataclasses
import importlib.util


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A way to train.

    Args:
        name: on the command line and in the results.
        label: in tables and pictures.
        module: file in this folder.
        options: options of its `run`.
        package: the required package.
        library: the library whose kernels it uses.
    """

    name: str
    label: str
    module: str
    options: dict
    package: str
    library: str

    @property
    def is_installed(self):
        return importlib.util.find_spec(self.package) is not None


_TF, _TORCH = "tensorflow", "torch"
_BFLOAT16 = {"dtype": "mixed_bfloat16", "jit_compile": False}  # XLA's products do not use AMX
_TORCH_BFLOAT16 = {"compile": True, "dtype": "bfloat16"}
CONTESTANTS = {
    c.name: c
    for c in (
        Contestant("keras_ae", "keras_ae", "keras_ae_fit", {}, "keras_ae", _TF),
        Contestant("keras_ae-xla", "keras_ae, XLA", "keras_ae_fit", {"jit_compile": True}, "keras_ae", _TF),
        Contestant("keras_ae-tf", "keras_ae, no XLA", "keras_ae_fit", {"jit_compile": False}, "keras_ae", _TF),
        Contestant("keras_ae-bfloat16", "keras_ae, bfloat16", "keras_ae_fit", _BFLOAT16, "keras_ae", _TF),
        Contestant("keras", "Keras fit", "keras_fit", {"jit_compile": False}, "keras", _TF),
        Contestant("keras-jit", "Keras fit, jit", "keras_fit", {"jit_compile": True}, "keras", _TF),
        Contestant("xla-loop", "XLA by hand", "xla_loop", {}, "tensorflow", _TF),
        Contestant("torch", "PyTorch eager", "torch_loop", {"compile": False}, "torch", _TORCH),
        Contestant("torch-compile", "torch.compile", "torch_loop", {"compile": True}, "torch", _TORCH),
        Contestant("torch-bfloat16", "torch.compile, bfloat16", "torch_loop", _TORCH_BFLOAT16, "torch", _TORCH),
        Contestant("pythae", "Pythae", "pythae_trainer", {}, "pythae", _TORCH),
    )
}
