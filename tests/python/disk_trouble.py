"""Gives a server a disk that fills up and a disk that fails, and checks what it promised.

    python3 disk_trouble.py PAPO [PART ...]      (scripts/disk-trouble builds PAPO and calls this)

Each part starts servers of its own in folders of its own, and ends only what it started.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

from disk_files import full_disk_for_files
from disk_world import (
    DISK_BYTES,
    PATIENCE,
    Broken,
    Gone,
    Peer,
    Server,
    Skipped,
    eventually,
    life_goes_on,
    need,
    people,
    read_lines,
)

BALLAST_BYTES = 8 * 1024 * 1024
CONTENT = "x" * 16_000

# More than the small disk holds, several times over.
MESSAGES_MAX = 6_000

WRITES = "write,writev,pwrite64,pwritev,pwritev2,fallocate"
SYNCS = "fsync,fdatasync"

# Which sync of a thread fails. The first ones are those of a start; the later ones come when a
# write-ahead log has grown and is carried over.
FAILING_SYNCS = [1, 2, 3, 4, 5, 6, 8, 11, 15, 30, 100, 300]
MESSAGES_UNTIL_SYNC = 600


class Ledger:
    """What ana wrote to bia, and what she was told of it."""

    def __init__(self):
        self.count = 0
        self.stored = {}
        self.open = []

    def write(self, ana, label=None):
        """Writes something new, or what was not stored before, once more. The answer's code, if it
        is one of a refusal."""
        if label is None:
            self.count += 1
            label = "carta %d" % self.count
            self.open.append(label)
        request = {"type": "private_message", "recipient": "bia", "content": CONTENT, "id": label}
        answer = ana.ask(request)
        if answer["status"] != "success":
            return answer["code"]
        first = self.stored.setdefault(label, answer["msg_id"])
        need(first == answer["msg_id"], "%s was answered with two numbers" % label)
        if label in self.open:
            self.open.remove(label)
        return None

    def write_the_rest(self, ana):
        """What was refused, or never answered, is sent again until it is stored."""
        for label in list(self.open):
            eventually(label + " is stored", lambda label=label: self.write(ana, label) is None)

    def check(self, ana, seen=()):
        """Everything that was answered, and everything that was seen, is there, and once."""
        found, place = [], {}
        while True:
            page = ana.ok({"type": "history", "with": "bia", "limit": 200, **place})
            found = page["messages"] + found
            if not page["more"]:
                break
            place = {"before": page["messages"][0]["msg_id"]}
        numbers = [message["msg_id"] for message in found]
        need(numbers == sorted(set(numbers)), "the history is out of order, or has something twice")
        before = 0
        for message in found:
            need(message["prev"] == before, "a gap before %s" % message["id"])
            before = message["msg_id"]
        labels = {message["id"]: message["msg_id"] for message in found}
        need(len(labels) == len(found), "a message is there twice")
        for label, msg_id in [*self.stored.items(), *seen]:
            need(labels.get(label) == msg_id, "%s was answered or seen, and is missing" % label)
        for label in labels:
            need(label in self.stored or label in self.open, "%s came from nowhere" % label)


def restarted(papo, data, scratch, ledger, seen):
    """A new server on the folder has everything."""
    server = Server(papo, data, scratch)
    need(server.port is not None, "it does not start again: %s" % server.complaints())
    try:
        ana = Peer(server, "ana")
        ledger.check(ana, seen)
        ledger.write_the_rest(ana)
        ledger.write(ana)
        ledger.check(ana, seen)
        server.stop()
    finally:
        server.kill()


def full_disk(papo, scratch):
    """A small disk of its own, which fills up and is cleared again."""
    disk = os.path.join(scratch, "disk")
    os.mkdir(disk)
    options = "size=%d" % DISK_BYTES
    mount = ["mount", "-t", "tmpfs", "-o", options, "papo-disk-trouble", disk]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Skipped("only root may make a small disk")
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Skipped("no small disk can be made here: " + made.stderr.strip())
    try:
        for end in ("stop", "kill"):
            fill_and_clear(papo, os.path.join(disk, end), os.path.join(disk, "ballast"), scratch, end)
            shutil.rmtree(os.path.join(disk, end))
    finally:
        subprocess.run(["umount", disk], check=False)


def fill_and_clear(papo, data, ballast, scratch, end):
    os.mkdir(data)
    with open(ballast, "wb") as file:
        file.write(b"x" * BALLAST_BYTES)
    server = Server(papo, data, scratch)
    need(server.port is not None, "it does not start: %s" % server.complaints())
    try:
        ana, bia = people(server)
        ledger = Ledger()
        refused = None
        while refused is None:
            need(ledger.count < MESSAGES_MAX, "the disk is never full")
            refused = ledger.write(ana)
            bia.listen()
        need(len(ledger.stored) > 100, "only %d messages fit" % len(ledger.stored))
        # It stays so, whatever is tried, and nothing else suffers.
        for _ in range(20):
            need(refused in (None, "storage_unavailable"), "refused with %s" % refused)
            life_goes_on(server, ana)
            refused = ledger.write(ana)
            bia.listen()
        ledger.check(ana)
        if end == "kill":
            # At the worst moment.
            seen = bia.heard()
            server.kill()
            os.remove(ballast)
        else:
            os.remove(ballast)
            # The same server, without a restart.
            ledger.write_the_rest(ana)
            need(ledger.write(ana) is None, "there is room, and still it refuses")
            seen = bia.heard()
            need(len(set(seen)) == len(seen), "bia was shown something twice")
            need(set(seen) == set(ledger.stored.items()), "bia was not shown what was stored")
            ledger.check(ana)
            server.stop()
    finally:
        server.kill()
    restarted(papo, data, scratch, ledger, seen)


def refused_writes(papo, scratch):
    """The system refuses to write to the store for a while, as a full disk does."""
    strace_works(scratch)
    data = os.path.join(scratch, "data")
    os.mkdir(data)
    server = Server(papo, data, scratch)
    need(server.port is not None, "it does not start: %s" % server.complaints())
    try:
        ana, bia = people(server)
        ledger = Ledger()
        for _ in range(3):
            for _ in range(20):
                need(ledger.write(ana) is None, "refused without a reason")
            bia.listen()
            strace = attach(server, files_of(server, data), scratch)
            try:
                for _ in range(10):
                    code = ledger.write(ana)
                    need(code == "storage_unavailable", "on a full disk: %s" % (code or "stored"))
                    life_goes_on(server, ana)
                    bia.listen()
                ledger.check(ana)
            finally:
                detach(strace)
            ledger.write_the_rest(ana)
        seen = bia.heard()
        need(len(set(seen)) == len(seen), "bia was shown something twice")
        need(set(seen) == set(ledger.stored.items()), "bia was not shown what was stored")
        ledger.check(ana)
    finally:
        server.kill()
    restarted(papo, data, scratch, ledger, seen)


def files_of(server, data):
    """What the server has open below its folder, and where a log beside each would be."""
    folder = "/proc/%d/fd" % server.pid()
    opened = set()
    for number in os.listdir(folder):
        try:
            opened.add(os.readlink(os.path.join(folder, number)))
        except OSError:
            # Closed since.
            continue
    below = {path for path in opened if path.startswith(os.path.realpath(data) + "/")}
    need(below, "the server has no file open below its folder: where is the store?")
    stores = {path for path in below if not path.endswith(("-wal", "-shm", "-journal"))}
    beside = {path + suffix for path in stores for suffix in ("-wal", "-journal")}
    # The index beside a write-ahead log is memory that is shared, not a file that is written.
    return sorted(path for path in below | beside if not path.endswith("-shm"))


def attach(server, paths, scratch):
    """From now on the system refuses to write to these files."""
    log = os.path.join(scratch, "strace")
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + WRITES]
    command += ["-e", "inject=%s:error=ENOSPC" % WRITES, "-p", str(server.pid())]
    for path in paths:
        command += ["-P", path]
    with open(log, "wb") as err:
        strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=err)

    def attached():
        need(strace.poll() is None, "strace has ended: %s" % read_lines(log))
        return any("attached" in line for line in read_lines(log))

    eventually("strace is attached", attached)
    return strace


def detach(strace):
    strace.send_signal(signal.SIGINT)
    try:
        strace.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        strace.kill()
        strace.wait()


def strace_works(scratch):
    if shutil.which("strace") is None:
        raise Skipped("strace is missing (Debian: sudo apt-get install strace)")
    log = os.path.join(scratch, "strace")
    tried = subprocess.run(
        ["strace", "-f", "-o", log, "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        raise Skipped("strace may not trace here: " + tried.stderr.strip())


def failing_sync(papo, scratch):
    """One sync fails, the disk has no more to say about it. The server must not go on: what the
    system has dropped it will not write at the next sync either."""
    strace_works(scratch)
    model = os.path.join(scratch, "model")
    os.mkdir(model)
    server = Server(papo, model, scratch)
    need(server.port is not None, "it does not start: %s" % server.complaints())
    try:
        people(server)
        server.stop()
    finally:
        server.kill()
    ended = 0
    for number in FAILING_SYNCS:
        data = os.path.join(scratch, "data %d" % number)
        shutil.copytree(model, data)
        ended += fail_one_sync(papo, data, scratch, number)
        shutil.rmtree(data)
    need(ended >= 3, "only %d syncs could be made to fail: does it sync at all?" % ended)


def fail_one_sync(papo, data, scratch, number):
    """Whether there was a sync of this number."""
    log = os.path.join(scratch, "strace")
    before = ["strace", "-f", "-y", "-qq", "-o", log, "-e", "trace=" + SYNCS]
    before += ["-e", "inject=%s:error=EIO:when=%d" % (SYNCS, number)]
    server = Server(papo, data, scratch, before)
    ledger, seen = Ledger(), []
    try:
        if server.port is not None:
            seen = write_until_the_end(server, ledger, log)
        injected = [line for line in read_lines(log) if "INJECTED" in line]
        if not injected:
            print("  no sync number %d within %d messages" % (number, ledger.count))
            return False
        if not any("papo.db" in line for line in injected) and server.port is not None:
            # SQLite does not look whether that worked. The server does it once more by itself
            # before it serves, which is the sync after this one.
            print("  sync %d: of the folder, by SQLite" % number)
            return False
        ends_with_a_sentence(server, number)
    finally:
        server.kill()
    print("  sync %d: ended after %d answers" % (number, len(ledger.stored)))
    restarted(papo, data, scratch, ledger, seen)
    return True


def write_until_the_end(server, ledger, log):
    """Writes until the server is gone. What bia saw of it."""
    bia = None
    try:
        bia = Peer(server, "bia")
        ana = Peer(server, "ana")
        while ledger.count < MESSAGES_UNTIL_SYNC:
            code = ledger.write(ana)
            need(code in (None, "storage_unavailable"), "refused with %s" % code)
            bia.listen()
    except (Gone, ConnectionError):
        pass
    if bia is None:
        return []
    # What was on its way to bia when the server ended was seen, too.
    try:
        while any("INJECTED" in line for line in read_lines(log)):
            bia.events.append(bia.receive())
        bia.ok({"type": "ping"})
    except (Gone, Broken):
        pass
    return [
        (event["id"], event["msg_id"])
        for event in bia.events
        if event["type"] == "private_message_received"
    ]


def ends_with_a_sentence(server, number):
    try:
        code = server.child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        raise Broken("sync %d failed, and the server goes on" % number) from None
    said = server.complaints()
    need(code == 1, "sync %d failed, and it ended with %d: %s" % (number, code, said))
    need(any(line.strip() for line in said), "sync %d failed, and it ended without a word" % number)
    need(not any("panicked" in line for line in said), "it panicked: %s" % said)


PARTS = {
    "full-disk": full_disk,
    "full-disk-files": full_disk_for_files,
    "refused-writes": refused_writes,
    "failing-sync": failing_sync,
}


def main():
    papo, *names = sys.argv[1:]
    papo = os.path.abspath(papo)
    for name in names:
        if name not in PARTS:
            print("disk-trouble: no such part: %s (%s)" % (name, ", ".join(PARTS)), file=sys.stderr)
            return 2
    kept, broken = 0, 0
    for name in names or PARTS:
        print("%s: %s" % (name, PARTS[name].__doc__.split(".")[0]))
        with tempfile.TemporaryDirectory(prefix="papo-disk-trouble-") as scratch:
            try:
                PARTS[name](papo, scratch)
            except Skipped as reason:
                print("  left out: %s" % reason)
            except (Broken, Gone, subprocess.TimeoutExpired) as error:
                broken += 1
                print("  BROKEN: %s" % (str(error) or "the server closed the connection"))
            else:
                kept += 1
                print("  as promised")
    print("%d as promised, %d broken, %d left out" % (kept, broken, len(names or PARTS) - kept - broken))
    if broken:
        return 1
    return 0 if kept else 3


if __name__ == "__main__":
    # Also into a pipe, line by line: a part takes its time.
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
