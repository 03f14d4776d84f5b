"""Look after the people who take over."""
