"""What a checkout costs: its requests counted in a real run on this machine, at AWS's list prices."""
