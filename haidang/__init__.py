"""The command line, and the whole platform in one process: the one place that puts rooms together."""
