"""The parts of the training benchmark: tasks, contestants in processes, and what is made of the figures."""
