"""The command line `keras-ae`: it parses, calls the library and prints.

TensorFlow is loaded only where a command needs it.
"""


def main():
    """Runs `keras-ae` with the arguments of the process."""
    from keras_ae.cli.app import app
    from keras_ae.cli.completion import words_of_bash

    with words_of_bash():
        app(prog_name="keras-ae")


__all__ = ["main"]
