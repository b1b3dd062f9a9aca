"""What a file says about itself, read within bounds, kept apart from what networks say of it.

`read` reads pictures, `read_film` films and recordings; `against` adds what a decoded picture contradicts. `features`
gives the numbers that models may weigh.
"""

from __future__ import annotations

from unmask.provenance.account import Account
from unmask.provenance.features import NAMES, features
from unmask.provenance.film import read as read_film
from unmask.provenance.picture import read
from unmask.provenance.pictured import against
from unmask.provenance.trust import NOBODY, Trust, load
from unmask.statements import Entry, Finding, Kind

__all__ = [
    "NAMES",
    "NOBODY",
    "Account",
    "Entry",
    "Finding",
    "Kind",
    "Trust",
    "against",
    "features",
    "load",
    "read",
    "read_film",
]
