"""Vaults and their credentials: what is told of them. No secret is kept: nothing in the emulator could use one."""

from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind

VAULTS = Kind[Json]("vault", "vault_")
CREDENTIALS = Kind[Json]("credential", "cred_")
