"""A desk played on labelled tickets through the real app, on a clock of its own."""
