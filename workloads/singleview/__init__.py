"""Single View: one row a customer of what the shop knows of them, written at home and read in every Region."""
