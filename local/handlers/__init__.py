"""Handlers: what a declared resource becomes in the embedded AWS, one class a kind, one table of all types."""
