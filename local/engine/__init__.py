"""The real Pulumi command line on a copy of the tree: what `make up-local` and `make test-engine` share."""
