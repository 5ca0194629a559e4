"""The embedded AWS: ministack in a process of its own, with the few changes that this project needs."""
