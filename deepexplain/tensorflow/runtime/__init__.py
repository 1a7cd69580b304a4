"""What the methods stand on: activations, gradient overrides, reading graphs, samples, session runs."""
