"""Ports of this machine that are free."""

import random
import socket

# Below the ports that systems give to outgoing connections: such a connection could take one any moment.
FIRST, LAST = 20_000, 32_000
MAX_TRIES = 100


def free(count: int = 1) -> list[int]:
    """So many different ports of loopback that nobody has at this moment; raises OSError without any."""
    found: list[int] = []
    for port in random.sample(range(FIRST, LAST), MAX_TRIES):
        if len(found) < count and is_free(port):
            found.append(port)
    if len(found) < count:
        raise OSError("no port of this machine is free")
    return found


def is_free(port: int) -> bool:
    """Whether a server could be bound to this port of loopback now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def is_answered(port: int) -> bool:
    """Whether something takes connections at this port of loopback now."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
