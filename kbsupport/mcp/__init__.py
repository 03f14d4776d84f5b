"""The door for AI assistants: the Model Context Protocol, over stdio and HTTP."""
