"""One file for each kind of outside system."""
