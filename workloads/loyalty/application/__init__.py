"""What loyalty does: one function a use case, and the ports that they need."""
