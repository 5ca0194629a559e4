"""The shared technical layer of the workloads: nothing in it knows an order, a wallet or a point."""
