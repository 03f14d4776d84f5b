"""Door: HTTP and WebSocket. It says who calls, calls the app once, and translates what it did."""
