"""The inference benchmark: the decoder in every format, contestants in separate processes, and their results."""
