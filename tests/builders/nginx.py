"""nginx, run by whoever runs the tests: its own folder, its own ports, nothing of the machine's configuration."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builders.judges import ask, program
from tests.builders.served import until

MAIN = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {servers}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx."""

    folder: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """What it wrote to its log so far."""
        return (self.folder / "error.log").read_text(errors="replace")

    def reload(self) -> None:
        """Have it read its files again, and wait until the worker that had read the old ones has ended."""
        gone = " exited with code 0"
        before = self.said().count(gone)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.said().count(gone) > before, f"nginx reloads: {self.said()[-2000:]}")


@contextmanager
def nginx(folder: Path, servers: str, port: int) -> Iterator[Nginx]:
    """Run nginx with these ``server`` blocks until the block ends; `port` is one that it will listen on."""
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(MAIN.format(folder=folder, servers=servers))
    checked = ask("nginx", "-t", "-p", folder, "-c", configuration, "-e", folder / "error.log")
    assert checked.code == 0, checked.words
    command = [program("nginx"), "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = Nginx(folder, process)
    try:
        until(lambda: process.poll() is not None or _accepts(port), "nginx listens")
        assert process.poll() is None, running.said()
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
