import keras

from keras_ae.conditions.categorical import Categorical


@keras.saving.register_keras_serializable(package="keras_ae")
class PartlyKnown(Categorical):
    """The door for labels of which some are unknown: those are -1, or missing where labels are names.

    It checks labels to learn from. What is told to a network are the features of a known label: those of -1 are NaN.

    Example:
        >>> PartlyKnown(3).check([0, -1, 2])
        array([ 0, -1,  2], dtype=int32)
    """

    least = -1

    def _wanted(self, name):
        return f"`{name}` must hold labels in [0, {self.num_classes}), or -1 where they are unknown."
