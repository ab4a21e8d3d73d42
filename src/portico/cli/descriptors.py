"""How many files and connections a process may have open: shells give few of those that the machine allows."""

ENOUGH = 65536


def raise_limit() -> None:
    """As many as are allowed, up to enough. A server with the usual 1,024 would refuse its six hundredth caller."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _within(hard, resource.RLIM_INFINITY)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ImportError, OSError, ValueError):
        return


def may_open() -> int | None:
    """What a server ends up with; None where nothing says."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError):
        return None
    if soft == resource.RLIM_INFINITY:
        return None
    return max(soft, _within(hard, resource.RLIM_INFINITY))


def _within(hard: int, no_limit: int) -> int:
    return ENOUGH if hard == no_limit else min(ENOUGH, hard)
