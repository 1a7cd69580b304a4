"""What computes attributions: a problem, a network that answers, and one engine for each way to compute them."""
