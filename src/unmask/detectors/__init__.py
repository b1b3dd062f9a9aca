"""One file per detector: segments in, logits out."""
