"""How an agent is installed, as a person is told."""


def install_command(*, portal: str, token: str) -> str:
    """Return the command that installs an agent on a host and spends the one-off key."""
    return f"curl -fsS {portal}/agent/install | sudo sh -s -- --key {token}"
