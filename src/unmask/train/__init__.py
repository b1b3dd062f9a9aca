"""Training, the only part that imports torch: recipes, data, networks, loop, export."""
