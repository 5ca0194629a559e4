"""The entry API of a cell: one OpenAPI document, and the resources that serve it."""

from components.entry_api.component import EntryApi, EntryApiArgs

__all__ = ["EntryApi", "EntryApiArgs"]
