import pathlib

from keras_ae.checks import check_size
from keras_ae.export.card import check_details, make_card, versions, weight_bytes
from keras_ae.export.comparison import FLOAT_TOLERANCE, compare
from keras_ae.export.place import check_free, staging
from keras_ae.export.probes import server_probes
from keras_ae.export.server import ServerSignatures
from keras_ae.export.signatures import write
from keras_ae.export.warm_up import write_warm_up
from keras_ae.files import move_into_place


def saved_model(model, directory, *, max_num=4096, overwrite=False, details=None, licence=None):
    """Exports a model as a SavedModel, for TensorFlow Serving and every language with a TensorFlow library.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, num[, condition]) -> x          `model.sample(num, condition, seed=seed)`
        encode(x[, condition]) -> z, scale             mean and standard deviation of q(z|x)
        reconstruct(x[, condition]) -> x               decode(encode(x))

    The batch is dynamic. Inputs and outputs have these names; several properties are an input each, by their names.
    Values out of range are refused in the graph with INVALID_ARGUMENT and a sentence. The export is verified in another
    process, by two loaders, before it is renamed into its place. Its card lies in its `assets.extra`: `card.json`, and
    `card.md` for people.

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        directory: where to put it, such as `"exports/models/cvae/1"`. Missing parents are made.
        max_num: the largest `num` of `generate`: a server should not be asked for more memory than it has.
        overwrite: whether an existing SavedModel is replaced. It stays until the new one is verified.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        licence: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is not a model of keras_ae.
        ValueError: for a model that is not built or gives NaN, or a property whose name is that of another input.
        FileExistsError: if the directory exists and `overwrite` is false, or if it holds something else.
        RuntimeError: if the export does not do in another process what the model does. Nothing is changed then.
    """
    max_num, fields = check_size("max_num", max_num), check_details(details, licence)
    signatures = ServerSignatures(model, max_num).all()
    directory = pathlib.Path(directory)
    check_free(directory, overwrite=overwrite)
    probes = server_probes(model)
    with staging(directory) as stage:
        artifact = stage / "saved_model"
        write(artifact, signatures)
        write_warm_up(artifact, probes)
        report = compare("saved_model", artifact, probes, stage)
        card = make_card(
            model,
            directory,
            report,
            format="saved_model",
            quantize="none",
            bytes={"total": _size(artifact), "weights": weight_bytes(model)},
            versions=versions("tensorflow", "keras", "numpy"),
            limits=_limits(max_num, len(probes)),
            **fields,
        ).seal(artifact, probes)
        check_free(directory, overwrite=overwrite)  # again: seconds have passed
        move_into_place(artifact, directory)
    return card


def _limits(max_num, calls):
    return (
        "A label out of range, NaN, infinity and `x` out of range are refused with INVALID_ARGUMENT and a sentence.",
        f"`num` is {max_num} at most.",
        f"Compared with the model in {calls} calls: differences up to {FLOAT_TOLERANCE:g} of the largest value would "
        "have been accepted. Another processor or version of TensorFlow can round in other places.",
        "It was run by TensorFlow, not by TensorFlow Serving.",
    )


def _size(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
