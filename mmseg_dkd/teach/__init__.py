"""One command: a model that is there, a folder, a new class."""
