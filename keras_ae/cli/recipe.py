"""Trains a model from the config of a run."""

from keras_ae.cli.startup import start_tensorflow


def train_from_config(run, config, *, backup, download=False):
    """Trains a model from a config into a run.

    Args:
        run: a `Run` to fill.
        config: {"model", "data", "training"} as `keras-ae train` writes it.
        backup: folder of backups to resume from.
        download: whether TFDS may download the data.

    Returns:
        The metrics of `record`.

    Raises:
        ValueError: for invalid names or values.
    """
    start_tensorflow()
    from keras_ae.devices import strategy

    devices = strategy(config["training"].get("devices", 1))  # before any other use of TensorFlow
    import keras

    from keras_ae import explore
    from keras_ae.run.assembly import assemble, find_model
    from keras_ae.run.recording import adam, record

    data, training = config["data"], config["training"]
    settings = dict(config["model"])
    name = settings.pop("name")
    keras.utils.set_random_seed(training["seed"])  # for the initial weights
    examples, condition, label_name = load_examples(find_model(name), data, download=download)
    learn, watch = examples.split(data["validation_fraction"], training["seed"])
    with devices.scope():
        model = assemble(name, settings, condition=condition, seed=training["seed"])
    sizes = {"epochs": training["epochs"], "batch_size": training["batch_size"]}
    model.compile(adam(training["learning_rate"], len(learn), **sizes))
    run.write_config(config)  # now with the names of the properties
    history, metrics = record(
        run,
        model,
        learn,
        watch,
        **sizes,
        label=name,
        backup=backup,
    )
    if model.sampler_layer is not None:  # `sample` uses it from now on
        known = learn.known(model.condition)
        model.fit_sampler(model.sampler_layer, known.x, known.condition, seed=training["seed"])
        run.write_model(model)
    seen = (watch and watch.known(model.condition)) or learn.known(model.condition)
    names = {"label_name": label_name, "condition_name": ", ".join(data["condition"]) or "condition"}
    run.write_figures(explore.gallery(model, history, seen.x, seen.labels, seen.condition, **names))
    return metrics


def load_examples(cls, data, *, download):
    """Returns the examples of a data set, the condition of the model (or `None`) and the name of the labels.

    Adds the names of the properties to `data` if they were not given.
    """
    from keras_ae import datasets
    from keras_ae.run.examples import Examples, choose_condition, label_name, labels_of

    x, y = datasets.load(data["name"], data["split"], download=download)
    label = label_name(data["name"])
    condition = values = None
    if data["condition"] or cls.needs_condition:
        info = None if isinstance(y, dict) else datasets.info(data["name"])
        known = {} if info is None else {"num_classes": info.num_classes, "class_names": info.class_names}
        condition, values, data["condition"] = choose_condition(y, data["condition"], label=label, **known)
    labels, label = labels_of(y, data["condition"], label=label)
    return Examples(x, values, labels), condition, label
