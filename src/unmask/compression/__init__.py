"""What the compression of a picture says about its history: one measure a file, and `features` for tables of numbers.

Nothing here decides whether a picture is fake. `unmask.detectors.compression` puts the measures into words.
"""
