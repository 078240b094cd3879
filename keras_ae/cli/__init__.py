"""The command line `keras-ae`, which parses arguments, calls the library and prints results.

TensorFlow is imported only by commands that need it.
"""


def main() -> None:
    """Runs `keras-ae` with the arguments of the process."""
    from keras_ae.cli.app import app

    app(prog_name="keras-ae")


__all__ = ["main"]
