"""The HTTP and WebSocket API: one slice per resource, below `/api/v1`."""
