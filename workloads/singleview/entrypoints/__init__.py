"""How the Single View is called: function handlers."""
