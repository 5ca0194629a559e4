"""How loyalty is called: function handlers and the projector service."""
