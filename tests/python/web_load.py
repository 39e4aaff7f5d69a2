"""What a WebSocket costs beside a plain connection: scripts/web-load.

Both kinds get the same, each on a server of its own with nothing kept on a disk, in turn, so that
they meet the machine in the same mood. The server has the first core and the load the last one.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

KINDS = [("TCP", []), ("WebSocket", ["--ws"])]
ROUNDS = 3


def main():
    papo = sys.argv[1]
    sessions = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    cores = sorted(os.sched_getaffinity(0))
    idle = {name: [] for name, _ in KINDS}
    cpu = {name: {"pairs": [], "group": []} for name, _ in KINDS}
    rate = {name: {"pairs": [], "group": []} for name, _ in KINDS}
    for _ in range(ROUNDS):
        for name, options in KINDS:
            # Of the first few sessions the server makes what it needs once, so they do not count.
            few, many = (
                load(papo, cores, options, ["--clients", str(clients), "--messages", "2"], "latency")
                for clients in (50, sessions + 50)
            )
            grown = memory(many) - memory(few)
            idle[name].append(grown / sessions)
            played = load(papo, cores, options, ["--seconds", "3"], "pairs,group")
            for row in played["scenarios"]:
                if row["scenario"] in cpu[name]:
                    cpu[name][row["scenario"]].append(row["papo"]["cpu_us_per_delivery"])
                    rate[name][row["scenario"]].append(row["papo"]["deliveries_per_second"])
    print(f"median of {ROUNDS} rounds; nothing kept on a disk; texts of 100 bytes\n")
    print(f"{'':10} {'bytes/idle':>11} {'pairs, µs':>11} {'/s':>11} {'group, µs':>11} {'/s':>11}")
    for name, _ in KINDS:
        median = statistics.median
        print(
            f"{name:10} {median(idle[name]):11,.0f}"
            f" {median(cpu[name]['pairs']):11.3f} {median(rate[name]['pairs']):11,.0f}"
            f" {median(cpu[name]['group']):11.3f} {median(rate[name]['group']):11,.0f}"
        )
    print(f"\nmemory: {sessions} sessions, logged in, each with a name of its own")
    print("µs: the server's CPU for each delivered message; 50 clients, 64 on their way")


def memory(report):
    row = next(row for row in report["scenarios"] if row["scenario"] == "login")
    return row["papo"]["rss_bytes"]


def load(papo, cores, options, more, only):
    """What `papo load` reports of a fresh server."""
    with tempfile.TemporaryDirectory() as data:
        arguments = [papo, "server", "--listen", "localhost:0", "--data", data, "--lang", "en"]
        server = subprocess.Popen(
            [*arguments, "--durability", "memory"],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]),
        )
        try:
            for line in server.stdout:
                port = re.search(r"Started on localhost:(\d+)", line)
                if port:
                    break
            else:
                sys.exit("scripts/web-load: the server did not start")
            # At its start it hashes a password, which takes 19 MiB for a moment.
            time.sleep(2)
            # Nobody reads its lines from here on: it counts them, and goes on.
            arguments = [papo, "load", "--server", f"localhost:{port[1]}", "--json"]
            arguments += ["--no-baseline", "--pid", str(server.pid), "--only", only]
            played = subprocess.run(
                [*arguments, *options, *more],
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores[-1:]),
            )
            if played.returncode != 0:
                sys.exit(f"scripts/web-load: papo load ended with {played.returncode}")
            return json.loads(played.stdout)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
