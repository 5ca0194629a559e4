"""Errors that are told to a person by their message alone: what was wrong, where, and what to do."""

from itertools import chain


class UserFacingError(Exception):
    """Something that whoever started the laptop mode can mend; a traceback would only hide it."""


def messages(error: Exception) -> list[str]:
    """Return the messages of an error, or of a group of them, each once; none where one of them is for a developer."""
    match error:
        case ExceptionGroup():
            found = [messages(each) for each in error.exceptions]
            return list(dict.fromkeys(chain.from_iterable(found))) if all(found) else []
        case UserFacingError():
            return [str(error)]
        case _:
            return []
