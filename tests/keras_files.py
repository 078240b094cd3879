"""Files of a small model, and files that somebody has changed."""

import json
import resource
import warnings
import zipfile

import pytest

import keras_ae as kae

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def write(path, members, compression=zipfile.ZIP_STORED):
    """A ZIP file of (name, content) pairs."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for name, content in members:
            archive.writestr(name, content)
    return path


def changed(path, members, **contents):
    """The file with another config or other weights, and right checksums."""
    names = {"config": CONFIG, "weights": WEIGHTS}
    return write(path, [*{**members, **{names[key]: content for key, content in contents.items()}}.items()])


def with_config(path, members, change):
    config = json.loads(members[CONFIG])
    change(config)
    return changed(path, members, config=json.dumps(config))


def refused(path, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        kae.load(path)
    assert path.name in str(caught.value)


def an_object(name, module, registered=None, **config):
    return {"class_name": name, "module": module, "registered_name": registered, "config": config}


def peak():
    """The most memory that this process has had, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
