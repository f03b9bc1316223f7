"""How often somebody may try a password: strangers are slowed down, and no stranger slows down the owner.

A sign-in comes from a device that the account has signed in from before, or from a stranger. A known device
has a count of its own and no other holds it up, neither its address nor its account: whoever guesses cannot
close the account to its owner. Strangers are counted by address, by account, and (django-axes) by the pair of
both. The counts are in the cache, so that all web processes share them; each ends by itself, so that they do
not heap up.
"""

import ipaddress
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

MINUTE_S = 60
DAY_S = 24 * 60 * MINUTE_S


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within a window, which begins with the first of them."""

    name: str
    tries: int
    window_s: int

    @property
    def minutes(self) -> int:
        """Return the window in minutes."""
        return self.window_s // MINUTE_S


DEVICE = Limit("device", tries=10, window_s=15 * MINUTE_S)
PERSON = Limit("person", tries=10, window_s=15 * MINUTE_S)
"""Passwords tried by a session that has signed in already, to confirm who it is."""
ACCOUNT = Limit("account", tries=20, window_s=5 * MINUTE_S)
ADDRESS = Limit("address", tries=60, window_s=MINUTE_S)
CODE = Limit("code", tries=10, window_s=15 * MINUTE_S)
CODE_A_DAY = Limit("code-a-day", tries=100, window_s=DAY_S)
"""Codes that strangers who know the password try: in a year they would hit one with a chance of 1 in 28."""


def spend(limit: Limit, of: str) -> bool:
    """Count one try of `of`; return whether the limit allows it.

    Counted before the password is looked at: tries at the same moment all count.
    """
    key = _key(limit, of)
    if cache.add(key, 1, limit.window_s):
        return True
    try:
        return int(cache.incr(key)) <= limit.tries
    except ValueError:  # it ended in between
        cache.add(key, 1, limit.window_s)
        return True


def spent(limit: Limit, of: str) -> bool:
    """Return whether the limit allows no further try of `of`; counts none."""
    return int(cache.get(_key(limit, of), 0)) >= limit.tries


def refund(limit: Limit, of: str) -> None:
    """Take one try back, which was the right password: others' tries still count."""
    key = _key(limit, of)
    try:
        cache.decr(key)
    except ValueError:  # it ended in between
        return


def forget(limit: Limit, of: str) -> None:
    """Begin the count of `of` anew."""
    cache.delete(_key(limit, of))


def network(address: str) -> str:
    """Return what counts as one address: of IPv6 its /64, which one customer has for himself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


def _key(limit: Limit, of: str) -> str:
    # Whatever a person may type as an account, in a form that every cache takes and that tells no address.
    return f"guess:{limit.name}:{sha256(of.encode(errors='replace')).hexdigest()}"
