"""A server and people for the tests that make trouble, in a folder of their own."""

import json
import os
import signal
import socket
import subprocess
import time

# How long anything may take before it counts as broken. Only a failure waits this long.
PATIENCE = 10.0

DISK_BYTES = 24 * 1024 * 1024


class Broken(Exception):
    """A promise was not kept."""


class Skipped(Exception):
    """Something is missing here that the part needs."""


def need(holds, otherwise):
    if not holds:
        raise Broken(otherwise)


def eventually(what, holds):
    """What `holds` gives, as soon as it is something."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = holds()
        if result:
            return result
        need(time.monotonic() < deadline, "never came true: " + what)
        time.sleep(0.02)


class Server:
    """A server on a folder. What it prints goes to files elsewhere: its disk may be full."""

    def __init__(self, papo, data, scratch, before=(), flags=()):
        self.said = os.path.join(scratch, "stdout")
        self.complained = os.path.join(scratch, "stderr")
        command = [*before, papo, "server", "--listen", "localhost:0", "--lang", "pt", "--data", data]
        command += flags
        with open(self.said, "wb") as out, open(self.complained, "wb") as err:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.under_strace = bool(before)
        self.port = None
        try:
            eventually("the server starts or ends", self._started_or_ended)
        except Broken:
            self.kill()
            raise

    def _started_or_ended(self):
        ended = self.child.poll() is not None
        for line in read_lines(self.said):
            if "Iniciado em localhost:" in line:
                self.port = int(line.rsplit(":", 1)[1])
        return ended or self.port is not None

    def running(self):
        return self.child.poll() is None

    def pid(self):
        """The server's own process, also when strace stands before it."""
        if not self.under_strace:
            return self.child.pid
        path = "/proc/%d/task/%d/children" % (self.child.pid, self.child.pid)
        with open(path, encoding="ascii") as children:
            return int(children.read().split()[0])

    def kill(self):
        if self.running():
            try:
                os.kill(self.pid(), signal.SIGKILL)
            except (OSError, IndexError):
                self.child.kill()
        self.child.wait()

    def stop(self):
        os.kill(self.pid(), signal.SIGTERM)
        code = self.child.wait(PATIENCE)
        need(code == 0, "told to stop, it ended with %d: %s" % (code, self.complaints()))

    def complaints(self):
        return read_lines(self.complained)


def read_lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


class Gone(Exception):
    """The server has closed the connection."""


class Peer:
    """Somebody who is logged in."""

    def __init__(self, server, name):
        self.events = []
        self.unread = b""
        self.asked = 0
        self.name = name
        # The session of a connection that has just ended may hold the name for a moment.
        eventually(name + " can log in", lambda: self._enter(server, name))

    def _enter(self, server, name):
        self.sock = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        self.unread = b""
        answer = self.ask({"type": "login", "username": name})
        if answer["status"] == "success":
            return True
        self.sock.close()
        need(answer["code"] == "name_in_use", "a login was refused: %s" % answer)
        return False

    def send(self, request):
        try:
            self.sock.sendall(json.dumps(request).encode("utf-8") + b"\n")
        except OSError as error:
            raise Gone from error

    def receive(self):
        while b"\n" not in self.unread:
            try:
                piece = self.sock.recv(65_536)
            except socket.timeout as error:
                raise Broken("%s waits for an answer" % self.name) from error
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            self.unread += piece
        line, self.unread = self.unread.split(b"\n", 1)
        return json.loads(line.decode("utf-8"))

    def ask(self, request):
        """The answer to a request; events before it are kept."""
        self.asked += 1
        request = {"id": "%s %d %d" % (self.name, self.asked, time.monotonic_ns()), **request}
        self.send(request)
        while True:
            frame = self.receive()
            if frame.get("id") == request["id"] and frame.get("status") in ("success", "error"):
                return frame
            self.events.append(frame)

    def ok(self, request):
        answer = self.ask(request)
        need(answer["status"] == "success", "%s -> %s" % (request["type"], answer))
        return answer

    def listen(self):
        """Takes what has come: who takes nothing for ten seconds is closed."""
        self.ok({"type": "ping"})

    def heard(self):
        """The labels and numbers of the messages that have come so far."""
        self.listen()
        messages = [event for event in self.events if event["type"] == "private_message_received"]
        return [(event["id"], event["msg_id"]) for event in messages]

    def close(self):
        self.sock.close()


def life_goes_on(server, ana):
    """All but storing still works."""
    need(server.running(), "the server has ended: %s" % server.complaints())
    ana.ok({"type": "ping"})
    names = ana.ok({"type": "list_users"})["users"]
    need("ana" in names, "ana is not listed: %s" % names)
    ana.ok({"type": "list_groups"})
    caio = Peer(server, "caio")
    caio.ok({"type": "list_conversations"})
    caio.ok({"type": "ping"})
    caio.close()


def people(server):
    """ana, bia, and caio, who has been here."""
    caio = Peer(server, "caio")
    bia = Peer(server, "bia")
    ana = Peer(server, "ana")
    caio.close()
    ana.ok({"type": "create_group", "group_name": "Time"})
    return ana, bia
