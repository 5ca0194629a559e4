"""Takes the safeguards of checkout away, one at a time, and asks the fast tests whether they notice."""
