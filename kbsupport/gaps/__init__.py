"""Gaps: what should be written next, and what it bought once it was."""
