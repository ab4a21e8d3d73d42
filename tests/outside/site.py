"""Somebody else's site, on an origin of its own and with a strict policy, which has its customers connect accounts."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A site</title>{scripts}<h1>Settings</h1><button id="go">Connect OpenAI</button>
<p id="out" role="status"></p></html>"""
_SITE = """
const asked = new URLSearchParams(location.search);
const tell = (what) => { document.getElementById("out").textContent = JSON.stringify(what); };
const failed = (problem) => tell(problem instanceof Error
  ? { type: problem.error_type, message: problem.message, id: problem.integrated_account_id } : { type: problem });
Portico.returned().then((found) => found && tell(found), failed);
document.getElementById("go").addEventListener("click", () =>
  Portico.authenticate(asked.get("token"), JSON.parse(asked.get("options") || "{}")).then(tell, failed));
document.body.dataset.ready = "yes";
"""


class Site:
    """`url` is its origin; `door` is Portico's address, whose script it loads."""

    def __init__(self, url: str, door: str) -> None:
        self.url, self.door = url, door

    def answer(self, path: str) -> tuple[str, str]:
        """(content type, content)."""
        if path == "/site.js":
            return "text/javascript", _SITE
        if path == "/module.js":
            return "text/javascript", (
                f'import authenticate, {{ returned }} from "{self.door}/embed.mjs";\n'
                "globalThis.Portico = { authenticate, returned };\nawait import('/site.js');"
            )
        scripts = f'<script src="{self.door}/embed.js" defer></script><script src="/site.js" defer></script>'
        if path == "/module":
            scripts = '<script type="module" src="/module.js"></script>'
        return "text/html", _PAGE.replace("{scripts}", scripts)

    @property
    def policy(self) -> str:
        door = self.door
        return f"default-src 'none'; script-src 'self' {door}; connect-src {door}; frame-src {door}"


@contextmanager
def opened(door: str) -> Generator[Site]:
    """Under the name localhost: to a browser that is another site than 127.0.0.1, where Portico is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    site = Site(f"http://localhost:{server.server_port}", door)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = site.answer(self.path.partition("?")[0])
            self.send_response(200)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-security-policy", site.policy)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server.RequestHandlerClass = Answering
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
