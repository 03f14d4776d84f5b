"""Who may come in through a door."""
