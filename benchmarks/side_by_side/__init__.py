"""The training benchmark: tasks, contestants in separate processes, and the evaluation of the results."""
