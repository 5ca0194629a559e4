"""The laptop mode: deploys the unmodified program into the embedded AWS and supplies what that lacks."""
