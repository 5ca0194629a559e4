"""Loyalty: awards points for purchases and keeps every customer's balance of them."""
