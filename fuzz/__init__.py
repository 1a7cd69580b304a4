"""What is tried at random, and what it came to: each module prints its figures in a line."""
