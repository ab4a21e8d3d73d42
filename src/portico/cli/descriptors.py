"""How many files and connections a process may have open: shells give few of those that the machine allows."""

ENOUGH = 65536
# Where nothing bounds what may be asked for, systems still refuse too much; every one of them gives this many.
GIVEN_ANYWHERE = 10240


def raise_limit() -> None:
    """Take as many as there may be: a shell's usual 1,024 are some five hundred calls at once."""
    most = may_open()
    if most is None:
        return
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    except (OSError, ValueError):
        return


def may_open() -> int | None:
    """What a server ends up with; None where there is no limit, or none that is known."""
    try:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError):
        return None
    if soft == resource.RLIM_INFINITY:
        return None
    return max(soft, GIVEN_ANYWHERE if hard == resource.RLIM_INFINITY else min(ENOUGH, hard))
