"""How often an account was written to, in this process: whoever remembers something of it can tell that it is old."""

_MOST_COUNTED = 50_000


class Written:
    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._forgotten = 0

    def note(self, account_id: str) -> None:
        """Something that may change the account has been tried, whatever came of it."""
        if len(self._counts) >= _MOST_COUNTED:
            self._forgotten = max(self._counts.values())
            self._counts.clear()
        self._counts[account_id] = self.count(account_id) + 1

    def count(self, account_id: str) -> int:
        """Rises with every write, and never falls."""
        return self._counts.get(account_id, self._forgotten)
