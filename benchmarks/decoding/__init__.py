"""The parts of the inference benchmark: the decoder in every format, contestants in processes, and their figures."""
