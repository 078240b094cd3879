"""`python -m keras_ae`, the same as `keras-ae`."""

from keras_ae.cli import main

if __name__ == "__main__":
    main()
