"""The policy pack: what a stack of this project must be, checked by the engine before anything is created."""
