"""What the workflows in .github ask the tree: which stacks there are, which images, and how a cell fares."""
