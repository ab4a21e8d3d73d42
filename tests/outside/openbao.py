"""A real OpenBao server on this machine, with a Transit engine: started, sealed, stopped and started again.

It speaks Vault's API. What it needs is installed when first asked for, and is no part of Portico.
"""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.faults.certificates import server_context
from tests.outside.client_envs import python_env

START_SECONDS = 20.0
_POLICY = """
path "transit/keys/portico" { capabilities = ["read"] }
path "transit/encrypt/portico" { capabilities = ["update"] }
path "transit/decrypt/portico" { capabilities = ["update"] }
"""
_CONFIG = """
storage "raft" {{
  path = "{folder}/data"
  node_id = "one"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_disable = true
}}
listener "tcp" {{
  address = "127.0.0.1:{secure}"
  cluster_address = "127.0.0.1:{secure_cluster}"
  tls_cert_file = "{folder}/server.pem"
  tls_key_file = "{folder}/server.pem"
}}
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster}"
"""


@dataclass
class Bao:
    """`token` may use the key and nothing else; `root_token` may do everything."""

    program: Path
    folder: Path
    port: int
    secure_port: int
    process: subprocess.Popen[bytes] | None = None
    unseal_key: str = ""
    root_token: str = ""
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"https://localhost:{self.secure_port}"

    @property
    def certificate(self) -> str:
        return str(self.folder / "server.pem")

    def start(self) -> None:
        """It starts sealed, as in production."""
        with (self.folder / "log").open("ab") as log:
            command = [str(self.program), "server", f"-config={self.folder}/config.hcl"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        _wait(self._answers)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def unseal(self) -> None:
        self.done("PUT", "sys/unseal", {"key": self.unseal_key})
        _wait(lambda: self.ask("GET", "sys/health")[0] == 200)

    def seal(self) -> None:
        self.done("PUT", "sys/seal", {})

    def new_token(self, **options: Any) -> str:
        made = self.done("POST", "auth/token/create", {"policies": ["portico"], "ttl": "1h", **options})
        return made["auth"]["client_token"]

    def done(self, verb: str, path: str, body: Any = None, **options: str) -> Any:
        status, answer = self.ask(verb, path, body, **options)
        assert status < 300, answer
        return answer

    def ask(self, verb: str, path: str, body: Any = None, *, token: str = "", namespace: str = "") -> tuple[int, Any]:
        return exchange(self.port, verb, path, body, {"X-Vault-Token": token or self.root_token} | _in(namespace))

    def begin(self) -> None:
        begun = self.done("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.unseal_key = begun["keys"][0]
        self.root_token = begun["root_token"]
        self.unseal()
        self.done("POST", "sys/mounts/transit", {"type": "transit"})
        self.done("PUT", "sys/policies/acl/portico", {"policy": _POLICY})
        self.token = self.new_token()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.ask("GET", "sys/seal-status")[0] == 200
        except OSError:
            return False


def exchange(port: int, verb: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request(verb, f"/v1/{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def _in(namespace: str) -> dict[str, str]:
    return {"X-Vault-Namespace": namespace} if namespace else {}


def _wait(holds: Callable[[], bool]) -> None:
    """For what happens in another process; fails when it has not happened in time."""
    patience = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < patience
        time.sleep(0.05)


@contextmanager
def running_bao(folder: Path) -> Generator[Bao]:
    """Raises NotInstallable where the program cannot be had."""
    program = python_env("openbao").parent / "bao"
    ports = _free_ports(4)
    (folder / "data").mkdir()
    server_context(folder)
    words = dict(zip(("port", "cluster", "secure", "secure_cluster"), ports, strict=True))
    (folder / "config.hcl").write_text(_CONFIG.format(folder=folder, **words))
    bao = Bao(program, folder, ports[0], ports[2])
    try:
        bao.start()
        bao.begin()
        yield bao
    finally:
        bao.stop()


def _free_ports(count: int) -> list[int]:
    """It cannot be told to choose its ports itself."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
