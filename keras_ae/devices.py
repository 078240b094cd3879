"""The devices and machines that train a model."""

import json
import os

_MAX_DEVICES = 1024


def cluster() -> tuple[int, int]:
    """Returns the position of this process in a cluster, from the environment variable `TF_CONFIG`.

    Returns:
        (index, number of workers): (0, 1) without a cluster. Worker 0 is the chief, which writes files.

    Raises:
        ValueError: for an invalid `TF_CONFIG`.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return 0, 1
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        kind, index, num = task["type"], int(task["index"]), len(workers)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"TF_CONFIG must be JSON with `cluster.worker`, `task.type` and `task.index`: {error}"
        ) from error
    if kind != "worker" or not 0 <= index < num or set(config["cluster"]) != {"worker"}:
        raise ValueError(
            f"TF_CONFIG must have workers only, and the index of one of them. Received: {kind} {index} of {num} workers"
        )
    return index, num


def strategy(num_devices: int = 1) -> "tf.distribute.Strategy":  # noqa: F821 - imported when it is called
    """Returns the strategy of `tf.distribute` for one device, several devices, or the workers of `TF_CONFIG`.

    Call it before anything else uses TensorFlow in the process. Make the model in its scope; `fit` needs no scope.

    Args:
        num_devices: number of GPUs of this machine to train on, or of logical CPUs if there is no GPU.

    Raises:
        ValueError: for more devices than the machine has, and for several devices per worker.

    Example:
        >>> from keras_ae.models import VAE
        >>> with strategy().scope():
        ...     model = VAE(latent_dim=2)
    """
    import tensorflow as tf

    from keras_ae.validation.arguments import check_size

    num_devices = check_size("num_devices", num_devices, high=_MAX_DEVICES)
    if cluster()[1] > 1:
        if num_devices > 1:
            raise ValueError(
                f"`num_devices` must be 1 in a cluster: a worker takes all of its GPUs. Received: {num_devices}"
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if num_devices == 1:
        return tf.distribute.get_strategy()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and num_devices > len(gpus):
        raise ValueError(
            f"`num_devices` must be at most {len(gpus)}, the GPUs of this machine. Received: {num_devices}"
        )
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * num_devices
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    return tf.distribute.MirroredStrategy([f"{'GPU' if gpus else 'CPU'}:{i}" for i in range(num_devices)])
