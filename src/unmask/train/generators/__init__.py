"""Small generators trained here, from whose work fakes are made (`unmask.makers.reconstruct`).

A network that encodes a photo and draws it again leaves the traces of its decoder and little else: same person, same
pose, same light. A detector that learns to tell such a copy from its original learns what upsampling and losses do to
pixels, not who is in the picture (Zhang et al. 2019, arXiv:1907.06515; Rajan et al. 2024, arXiv:2410.11835). What
differs between generators is therefore what may differ here: how they upsample, how deep they are, what they are
punished for. Some are kept out of training and stand for generators that nobody has seen.
"""
