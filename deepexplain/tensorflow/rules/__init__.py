"""What an op gets on the way back from T to X: one rule for each op, named, judged and applied from one entry."""
