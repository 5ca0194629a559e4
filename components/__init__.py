"""What `pulumi up` creates: one file a box of the picture."""
