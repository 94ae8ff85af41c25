"""Starts the server given as the command line, asks it three things, and stops it with SIGTERM."""

import signal
import subprocess
import sys
from urllib.request import urlopen

with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as server:
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    for name in ("one", "two", "three"):
        with urlopen(f"http://{address}/{name}", timeout=60) as answer:
            print(answer.read().decode(), end="")
    server.send_signal(signal.SIGTERM)
    print(server.stdout.read(), end="")
sys.exit(server.returncode)
