"""One file per dataset: what it is, how to get it, how its items are labelled."""
