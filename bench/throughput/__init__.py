"""How many orders a second this machine takes through both Regions, beside what the embedded AWS alone could do."""
