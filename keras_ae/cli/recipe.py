"""From a run's config to a trained model in its folder."""

from keras_ae.cli.startup import start_tensorflow


def train_from_config(run, config, *, backup, download=False):
    """Trains what a config asks for into a run.

    Args:
        run: a `Run` that is being filled.
        config: {"model", "data", "training"} as `keras-ae train` writes them.
        backup: folder of what an interrupted training goes on from.
        download: whether TFDS may download the data.

    Returns:
        The metrics of `record`.

    Raises:
        ValueError: for names or values that do not fit.
    """
    start_tensorflow()
    from keras_ae.devices import strategy

    devices = strategy(config["training"].get("devices", 1))  # the first thing that is asked of TensorFlow
    import keras

    from keras_ae import explore
    from keras_ae.run.recording import adam, record

    data, training = config["data"], config["training"]
    cls = find_model(config["model"]["name"])
    keras.utils.set_random_seed(training["seed"])  # of the initial weights
    examples, condition, label_name = load_examples(cls, data, download=download)
    learn, watch = examples.split(data["validation_fraction"], training["seed"])
    with devices.scope():
        model = make_model(cls, config["model"], condition, training["seed"], num_examples=len(learn))
    sizes = {"epochs": training["epochs"], "batch_size": training["batch_size"]}
    model.compile(adam(training["learning_rate"], len(learn), **sizes))
    run.write_config(config)  # with the names of the properties
    history, metrics = record(
        run,
        model,
        learn,
        watch,
        **sizes,
        label=config["model"]["name"],
        backup=backup,
    )
    seen = watch or learn
    names = {"label_name": label_name, "condition_name": ", ".join(data["condition"]) or "condition"}
    run.write_figures(explore.gallery(model, history, seen.x, seen.labels, seen.condition, **names))
    return metrics


def find_model(name):
    """The class with a short name.

    Raises:
        ValueError: where there is none.
    """
    import difflib

    from keras_ae.models import MODELS

    if name not in MODELS:
        close = difflib.get_close_matches(name.lower(), MODELS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ValueError(f"`MODEL` must be one of {', '.join(MODELS)}. Received: {name}.{hint}")
    return MODELS[name]


def load_examples(cls, data, *, download):
    """The examples of a data set, the condition of the model (or `None`) and the name of the labels.

    The names of the properties are put into `data`, where they were left to the program.
    """
    from keras_ae import datasets
    from keras_ae.run.examples import Examples, choose_condition, label_name, labels_of

    x, y = datasets.load(data["name"], data["split"], download=download)
    label = label_name(data["name"])
    condition = values = None
    if data["condition"] or cls.needs_condition:
        num_classes = None if isinstance(y, dict) else datasets.info(data["name"]).num_classes
        condition, values, data["condition"] = choose_condition(y, data["condition"], num_classes, label=label)
    labels, label = labels_of(y, data["condition"], label=label)
    return Examples(x, values, labels), condition, label


def make_model(cls, options, condition, seed, *, num_examples):
    """A model from the options of the command line.

    Raises:
        ValueError: for an option that the model does not have.
    """
    from keras_ae.objectives import ELBO

    options = dict(options)
    name, network = options.pop("name"), options.pop("network")
    arguments = {**options, "encoder": network, "decoder": network, "seed": seed}
    if condition is not None:
        arguments["condition"] = condition
    if "num_examples" in cls.settings:
        arguments["num_examples"] = num_examples
    if "beta" in arguments and "beta" not in cls.settings:
        arguments["objective"] = ELBO(arguments.pop("beta"))
    try:
        return cls(**arguments)
    except TypeError as error:
        for option in ("prior", "objective", "likelihood"):
            if option in arguments and f"'{option}'" in str(error):
                option = "beta" if option == "objective" else option
                raise ValueError(f"The model {name} has no choice of `{option}`: leave --{option} out.") from error
        raise
