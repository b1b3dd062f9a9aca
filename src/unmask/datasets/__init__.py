"""One file per dataset: what it is, how to get it, how its items are labelled.

A dataset file has two things, and its name is its registration (see `unmask.plugins`):

- `ABOUT`, an `unmask.about.About`: name, licence, homepage, how to get it, label direction, traps.
- `items(root: Path) -> Iterator[Item]`: its labelled files under `root`, in an order that does not change, without
  reading them. 1 is fake; a dataset whose own labels say otherwise flips them here. Files that must stay in one split
  share a `group`. It raises `ManifestError`, saying what to do, when `root` does not hold the dataset.

`unmask.trees` walks folders for them. A large set is listed item by item, and nothing of it is held.
"""
