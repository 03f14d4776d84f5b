"""Honest figures: each with its definition, its denominator and its interval."""
