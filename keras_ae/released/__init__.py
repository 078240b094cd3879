"""Released models: presets that are loaded by name, from a folder or from a Hugging Face repository, and verified.

    models/              the presets of the package, a folder each
    hub.py               addresses at Hugging Face, and downloads from there
    preset_catalogue.py  their table, and the folder of a name
    layout.py            the files of a preset, written and read
    card.py              its card, for programs and as README.md
    answers.py           reference outputs of the model
    save.py              writes a preset
    preset_loading.py    checks and loads it
    verification.py      checks hashes, and computes the reference outputs again
    upload.py            uploads it to Hugging Face

A preset has the files of KerasHub's presets, `config.json`, `model.weights.h5` and `metadata.json`, which are the
members of a `.keras` file. TensorFlow is imported only when a model is loaded.
"""
