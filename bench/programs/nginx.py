"""nginx as a reverse proxy with kept connections: the measure for everything else."""

import re
import shutil
import subprocess

from bench.contestant import Contestant, Place
from bench.machine import DidNotStart, free_port, start, wait_until_it_answers

# The second server passes everything on as it comes, as streams and large files need it.
_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_max_body_size 0; client_body_buffer_size 256k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k;
  upstream vendor {{ server 127.0.0.1:{vendor}; keepalive 256; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
  server {{ listen 127.0.0.1:{flowing}; location / {{
    proxy_pass http://vendor; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_buffering off; proxy_request_buffering off; }} }}
}}
"""


def start_nginx(place: Place) -> Contestant:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise DidNotStart("nginx is not installed")
    folder = place.folder / "nginx"
    folder.mkdir()
    port, flowing = free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, vendor=place.vendor_port, port=port, flowing=flowing))
    running = start([program, "-p", folder, "-c", config], folder, "nginx")
    wait_until_it_answers(running, f"http://127.0.0.1:{port}/v1/models")
    requests = place.plain_requests(port, "/v1", place.key)
    through = place.plain_requests(flowing, "/v1", place.key)
    for asks in ("few events", "events", "upload", "download"):
        requests[asks] = through[asks]
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"nginx/(\S+)", told.stderr + told.stdout)
    return Contestant("nginx", found[1] if found else "", running, requests)
