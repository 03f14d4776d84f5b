"""The lines that customers read: a file a language, and how one is read."""
