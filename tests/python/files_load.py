"""Sends large files through a server and measures what that costs it.

    python3 files_load.py PAPO [MIB]      (scripts/files-load builds PAPO and calls this)

What the server spends is compared with the least that it could: decoding the base64 and hashing it
for an upload, encoding it for a download, of the same bytes on one core of this machine in the same
run. Linux only: it reads /proc. It ends only what it started.
"""

import base64
import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PIECE = 49_152
WINDOW = 16
MIB = 1024 * 1024
PATIENCE = 600.0
TICKS = os.sysconf("SC_CLK_TCK")

# Pieces that repeat: the client has them ready, so that it is not what is measured.
DIFFERENT = 64
PIECES = [hashlib.shake_128(b"%d" % at).digest(PIECE) for at in range(DIFFERENT)]
TEXTS = [base64.b64encode(piece) for piece in PIECES]


class Broken(Exception):
    """Something did not arrive, or not as it was."""


def piece_bytes(at, size):
    return PIECES[at % DIFFERENT][: size - at * PIECE]


def piece_text(at, size):
    piece = piece_bytes(at, size)
    return TEXTS[at % DIFFERENT] if len(piece) == PIECE else base64.b64encode(piece)


def digest(size):
    sha = hashlib.sha256()
    for at in range(pieces_of(size)):
        sha.update(piece_bytes(at, size))
    return sha.hexdigest()


def pieces_of(size):
    return -(-size // PIECE)


class Peer:
    def __init__(self, port, name, features=("chunks",)):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.sock.makefile("rb", 1024 * 1024)
        self.asked = 0
        self.name = name
        answer = self.ask({"type": "login", "username": name, "features": list(features)})
        if answer["status"] != "success":
            raise Broken("%s: %s" % (name, answer))

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        line = self.lines.readline()
        if not line:
            raise Broken("the server closed the connection of " + self.name)
        if line.startswith(b"{") and b'"heartbeat_ping"' in line[:80]:
            self.send(b'{"type":"heartbeat_ack"}\n')
            return self.line()
        return line

    def ask(self, request):
        self.asked += 1
        request = {"id": "%s %d %d" % (self.name, self.asked, time.monotonic_ns()), **request}
        self.send(json.dumps(request).encode() + b"\n")
        while True:
            frame = json.loads(self.line())
            if frame.get("id") == request["id"] and frame.get("status") in ("success", "error"):
                return frame

    def ok(self, request):
        answer = self.ask(request)
        if answer["status"] != "success":
            raise Broken("%s -> %s" % (request["type"], answer))
        return answer

    def until(self, *kinds):
        while True:
            frame = json.loads(self.line())
            if frame["type"] in kinds:
                return frame

    def upload(self, to, name, size, sha256):
        begun = self.ok(
            {"type": "file_begin", "filename": name, "size": size, "sha256": sha256, **to}
        )
        file_id = begun["file_id"]
        head = b'{"type":"file_chunk","file_id":%d,"offset":' % file_id
        count, acked = pieces_of(size), 0
        for at in range(count):
            if at - acked >= WINDOW:
                acked += self._acknowledged(1)
            self.send(b'%s%d,"data":"%s"}\n' % (head, at * PIECE, piece_text(at, size)))
        self._acknowledged(count - acked)
        return file_id, self.ok({"type": "file_end", "file_id": file_id})

    def _acknowledged(self, wanted):
        count = 0
        while count < wanted:
            line = self.line()
            if b'"file_ack"' in line:
                if b'"success"' not in line:
                    raise Broken(line.decode())
                count += 1
        return count

    def download(self, file_id, size):
        """Every piece is compared with what was sent, in base64."""
        self.send(b'{"type":"file_get","id":"get","file_id":%d}\n' % file_id)
        at, count = 0, pieces_of(size)
        while True:
            line = self.line()
            if b'"file_data"' in line[:400]:
                if piece_text(at, size) not in line:
                    raise Broken("piece %d is not what was sent" % at)
                at += 1
            elif b'"file_response"' in line:
                if b'"success"' not in line or at != count:
                    raise Broken("after %d of %d pieces: %s" % (at, count, line.decode()))
                return


def in_processes(work, arguments):
    """Runs `work` in a process for each of the arguments, together, and gives what they returned."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def run(number, argument):
        try:
            results.put((number, work(*argument), None))
        except BaseException as error:  # it is told where it is waited for
            results.put((number, None, repr(error)))

    children = [context.Process(target=run, args=each, daemon=True) for each in enumerate(arguments)]
    for child in children:
        child.start()
    found = {}
    for _ in children:
        number, result, error = results.get(timeout=PATIENCE)
        if error:
            raise Broken(error)
        found[number] = result
    for child in children:
        child.join()
    return [found[number] for number in range(len(children))]


def send_one(port, sender, to, name, size, sha256):
    return Peer(port, sender).upload(to, name, size, sha256)[0]


def get_one(port, reader, file_id, size):
    Peer(port, reader).download(file_id, size)


class Chat:
    """Two others, who write to one another all the time. How long each message takes."""

    def __init__(self, port):
        context = multiprocessing.get_context("fork")
        self.stop, self.ready, self.results = context.Event(), context.Event(), context.Queue()
        self.child = context.Process(target=self._talk, args=(port,), daemon=True)
        self.child.start()
        self.ready.wait(PATIENCE)

    def _talk(self, port):
        one, other = Peer(port, "one", ()), Peer(port, "other", ())
        taken = []
        self.ready.set()
        while not self.stop.is_set():
            sent = time.monotonic()
            one.send(b'{"type":"private_message","recipient":"other","content":"oi"}\n')
            other.until("private_message_received")
            taken.append(time.monotonic() - sent)
            one.until("message_response")
            time.sleep(0.005)
        for peer in (one, other):
            peer.ok({"type": "logout"})
        self.results.put(sorted(taken))

    def end(self):
        self.stop.set()
        taken = self.results.get(timeout=PATIENCE)
        self.child.join()
        return [1000 * taken[int(len(taken) * part)] for part in (0.5, 0.99, 0.99999)]


class Server:
    def __init__(self, papo, data, core):
        # Files between people who wait for nothing but the disk: as an operator runs it.
        flags = ["--max-file", "2GiB", "--user-quota", "64GiB", "--lang", "pt"]
        command = [papo, "server", "--listen", "localhost:0", "--data", data, *flags]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        for line in self.child.stdout:
            if "Iniciado em localhost:" in line:
                self.port = int(line.rsplit(":", 1)[1])
                return
        raise Broken("the server does not start")

    def cpu(self):
        with open("/proc/%d/stat" % self.child.pid, encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) / TICKS, int(fields[12]) / TICKS

    def memory(self, field):
        with open("/proc/%d/status" % self.child.pid, encoding="ascii") as status:
            for line in status:
                if line.startswith(field):
                    return int(line.split()[1]) / 1024
        return 0.0

    def forget_peak(self):
        with open("/proc/%d/clear_refs" % self.child.pid, "w", encoding="ascii") as refs:
            refs.write("5")

    def stop(self):
        self.child.terminate()
        self.child.wait(PATIENCE)


def floor(papo, down):
    """Seconds for one GiB: the least that an upload, or a download, could take."""
    program = os.path.join(os.path.dirname(papo), "examples", "files_floor")
    out = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    return float(out[1 if down else 0])


class Table:
    def __init__(self, server, floors):
        self.server, self.floors = server, floors
        print("%-26s %8s %8s %8s %8s %8s %8s %8s" % (
            "", "MiB/s", "cpu s/GiB", "user", "floor", "ratio", "peak+MiB", "chat ms"))

    def measure(self, what, down, work, arguments, size):
        server = self.server
        server.forget_peak()
        before, cpu, start = server.memory("VmRSS"), server.cpu(), time.monotonic()
        chat = Chat(server.port)
        results = in_processes(work, arguments)
        chat = chat.end()
        seconds, after = time.monotonic() - start, server.cpu()
        total = size * len(arguments) / MIB
        user, system = ((now - then) * 1024 / total for now, then in zip(after, cpu))
        ratio = (user + system) / self.floors[down]
        grown = server.memory("VmHWM") - before
        print("%-26s %8.0f %8.2f %8.2f %8.2f %8.2f %8.1f  p50 %.1f p99 %.1f max %.1f" % (
            what, total / seconds, user + system, user, self.floors[down], ratio, grown,
            *chat))
        return results


def run(papo, size, data):
    cores = sorted(os.sched_getaffinity(0))
    core = None
    if len(cores) > 1 and shutil.which("taskset"):
        # The server on the first core, all else on the others.
        core = cores[0]
        os.sched_setaffinity(0, cores[1:])
    floors = {down: floor(papo, down) for down in (False, True)}
    server = Server(papo, data, core)
    try:
        port = server.port
        sha256, tenth = digest(size), size // 10
        sha_tenth = digest(tenth)
        for name in ["r%d" % at for at in range(10)]:
            Peer(port, name).ok({"type": "logout"})
        owner = Peer(port, "owner")
        owner.ok({"type": "create_group", "group_name": "Five"})
        for at in range(5):
            peer = Peer(port, "r%d" % at)
            peer.ok({"type": "join_group", "group_name": "Five"})
            peer.ok({"type": "logout"})
        table = Table(server, floors)
        one = ("owner2", {"recipient": "r0"}, "one.bin", size, sha256)
        file_id, = table.measure("upload, one", False, send_one, [(port, *one)], size)
        table.measure("download, one", True, get_one, [(port, "r0", file_id, size)], size)
        to = {"group_name": "Five"}
        owner.ok({"type": "logout"})
        owner.sock.close()
        group = ("owner", to, "group.bin", size, sha256)
        file_id, = table.measure("upload to a group of five", False, send_one, [(port, *group)], size)
        readers = [(port, "r%d" % at, file_id, size) for at in range(5)]
        table.measure("download by all five", True, get_one, readers, size)
        ten = [
            (port, "s%d" % at, {"recipient": "r%d" % at}, "ten.bin", tenth, sha_tenth)
            for at in range(10)
        ]
        ids = table.measure("upload, ten at once", False, send_one, ten, tenth)
        readers = [(port, "r%d" % at, file_id, tenth) for at, file_id in enumerate(ids)]
        table.measure("download, ten at once", True, get_one, readers, tenth)
        with os.scandir(os.path.join(data, "server_files")) as kept:
            for entry in kept:
                with open(entry.path, "rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found not in (sha256, sha_tenth):
                    raise Broken(entry.name + " is not what was sent")
        print("every piece was compared by who got it, and every file on the disk hashed: all equal")
    finally:
        server.stop()


def main():
    papo = os.path.abspath(sys.argv[1])
    size = int(sys.argv[2] if len(sys.argv) > 2 else "1024") * MIB
    with tempfile.TemporaryDirectory(prefix="papo-files-load-") as data:
        try:
            run(papo, size, data)
        except Broken as error:
            print("BROKEN: %s" % error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
