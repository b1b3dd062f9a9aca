"""Several runs side by side: read them, group those that differ only in their seed, measure, tabulate, draw."""
