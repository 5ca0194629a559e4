"""Two neighbouring releases side by side: cells deploy one by one, over shared tables and buses."""
