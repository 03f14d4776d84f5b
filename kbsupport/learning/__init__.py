"""What labels teach and prove, and what becomes of that when the knowledge base changes."""
