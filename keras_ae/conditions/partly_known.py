import keras

from keras_ae.conditions.categorical import Categorical


@keras.saving.register_keras_serializable(package="keras_ae")
class PartlyKnown(Categorical):
    """Validates labels of which some are unknown: -1, or a missing value among string labels.

    For training labels only. The features of an unknown label are NaN, so networks must receive known labels.

    Example:
        >>> PartlyKnown(3).check([0, -1, 2])
        array([ 0, -1,  2], dtype=int32)
    """

    least = -1

    def _wanted(self, name):
        return f"`{name}` must hold labels in [0, {self.num_classes}), or -1 if unknown."
