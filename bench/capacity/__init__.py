"""What checkout can take: a discrete-event simulation of an item that everybody wants, under AWS's published limits."""
