"""The published language: what the bounded contexts, the entry API and systems of record say to each other."""
