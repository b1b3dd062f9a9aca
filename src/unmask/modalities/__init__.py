"""One file per kind of media: what it accepts, how it decodes, how it cuts."""
