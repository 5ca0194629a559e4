"""Checkout in two Regions, simulated: the real code over models of the services that it calls."""
