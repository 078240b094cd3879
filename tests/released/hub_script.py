"""Uploads a preset to a hub and loads it from there, in a process whose environment names the hub."""

import sys

import keras_ae as kae


def main(folder, address):
    print(kae.upload_preset(address, folder))
    print(type(kae.from_preset(address, verify=True)).__name__)
    try:
        kae.from_preset("hf://nobody/nothing")
    except FileNotFoundError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
