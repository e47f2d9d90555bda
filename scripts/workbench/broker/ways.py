"""What the ways to run a broker of our own have in common."""


class Unavailable(Exception):
    """This way cannot be had on this machine, the next one may; the text says why, and what would help."""
