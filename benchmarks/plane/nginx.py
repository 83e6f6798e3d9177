"""nginx as the yardstick: a plain reverse proxy with one worker, everything kept alive, nothing logged."""

import os
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

from plane.contestant import Contestant, Place, Running, UnavailableError
from plane.debian import find
from plane.ports import answers, free_port
from plane.processes import last_lines, started
from suffice.testing import wait_until

NAME = "nginx"
START_TIMEOUT_S = 10.0

# Connections are never closed for their age: nginx's own default is after 1,000 requests.
_CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream models {{
    server {upstream};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://models; }}
  }}
  server {{
    listen 127.0.0.1:{stream_port};
    location / {{ proxy_pass http://models; proxy_buffering off; }}
  }}
}}
"""


def nginx() -> Contestant:
    """The contestant.

    Raises:
        UnavailableError: nginx is not installed.
    """
    program = find("nginx")
    if program is None:
        raise UnavailableError("nginx is not installed; apt-get install nginx-light")
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr

    @contextmanager
    def start(place: Place) -> Generator[Running]:
        port, stream_port = free_port(), free_port()
        config = place.folder / "nginx.conf"
        # Started by root, workers would be another user, who may not write here.
        user = "user root;" if os.geteuid() == 0 else ""
        values = {"folder": place.folder, "port": port, "stream_port": stream_port, "user": user}
        config.write_text(_CONFIG.format(upstream=urlsplit(place.upstream).netloc, **values), encoding="utf-8")
        log = place.folder / "nginx.log"
        command = [program, "-c", str(config), "-e", "stderr"]
        with started(command, core=place.core, log=log) as pid:
            address = f"http://127.0.0.1:{port}"
            try:
                wait_until(lambda: answers(address, "/health"), timeout_s=START_TIMEOUT_S)
            except TimeoutError as error:
                raise UnavailableError(f"nginx did not start: {last_lines(log)}") from error
            yield Running(pid=pid, address=address, stream_address=f"http://127.0.0.1:{stream_port}")

    return Contestant(name=NAME, version=parse_version(said), start=start)


def parse_version(said: str) -> str:
    """The version in what a program says of itself, or all of it."""
    found = re.search(r"\d+(?:\.\d+)+[\w.+-]*", said)
    return found.group() if found else said.strip()
