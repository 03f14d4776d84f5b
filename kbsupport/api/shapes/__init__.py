"""What crosses the wire: pydantic models, one file a noun."""
