"""A disk that becomes full in the middle of a file."""

import base64
import errno
import hashlib
import os
import shutil
import subprocess

from disk_world import DISK_BYTES, Server, Skipped, eventually, life_goes_on, need, people

PIECE = 49_152


def full_disk_for_files(papo, scratch):
    """A file is sent to a disk that becomes full in the middle. It is refused and dropped, and all
    else goes on."""
    disk = os.path.join(scratch, "disk")
    os.mkdir(disk)
    mount = ["mount", "-t", "tmpfs", "-o", "size=%d" % DISK_BYTES, "papo-disk-trouble", disk]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Skipped("only root may make a small disk")
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Skipped("no small disk can be made here: " + made.stderr.strip())
    try:
        fill_by_file(papo, os.path.join(disk, "data"), os.path.join(disk, "ballast"), scratch)
    finally:
        subprocess.run(["umount", disk], check=False)


def fill_by_file(papo, data, ballast, scratch):
    os.mkdir(data)
    server = Server(papo, data, scratch, flags=["--min-free-disk", "1MiB"])
    need(server.port is not None, "it does not start: %s" % server.complaints())
    try:
        ana, bia = people(server)
        content = os.urandom(8 * 1024 * 1024)
        # More than there is: refused before a byte of it moves.
        refused = ana.ask(file_begin(b"", size=64 * 1024 * 1024))
        need(refused.get("code") == "storage_unavailable", "not refused: %s" % refused)
        # It would fit, and then somebody else takes what is left.
        file_id = ana.ok(file_begin(content))["file_id"]
        middle = len(content) // 2
        offset = send_pieces(ana, file_id, content, 0, middle)
        need(offset == middle, "refused too early, at %d" % offset)
        take_all(ballast)
        offset = send_pieces(ana, file_id, content, offset, len(content))
        need(offset < len(content), "a full disk took it all")
        for request in ({"type": "file_end"}, {"type": "file_cancel"}):
            answer = ana.ask({"file_id": file_id, **request})
            need(answer.get("code") == "unknown_file", "it is not dropped: %s" % answer)
        uploads = os.path.join(data, "uploads")
        eventually("the part is gone", lambda: not os.listdir(uploads))
        life_goes_on(server, ana)
        # What the part took is free again: there is room for messages.
        ana.ok({"type": "private_message", "recipient": "bia", "content": "e segue"})
        bia.listen()
        need(any(event.get("content") == "e segue" for event in bia.events), "bia heard nothing")
        os.remove(ballast)
        begun = ana.ok(file_begin(content))
        need(begun["offset"] == 0, "something of it is still there: %s" % begun)
        file_id = begun["file_id"]
        send_pieces(ana, file_id, content, 0, len(content))
        ana.ok({"type": "file_end", "file_id": file_id})
        with open(os.path.join(data, "server_files", "ana_a.bin"), "rb") as kept:
            need(kept.read() == content, "the bytes differ")
        server.stop()
    finally:
        server.kill()


def file_begin(content, size=None):
    request = {"type": "file_begin", "recipient": "bia", "filename": "a.bin"}
    request["sha256"] = hashlib.sha256(content).hexdigest()
    request["size"] = len(content) if size is None else size
    return request


def send_pieces(peer, file_id, content, offset, upto):
    """Up to where they were taken; the first refusal must say why."""
    while offset < upto:
        piece = content[offset : min(offset + PIECE, upto)]
        data = base64.b64encode(piece).decode("ascii")
        chunk = {"type": "file_chunk", "file_id": file_id, "offset": offset, "data": data}
        answer = peer.ask(chunk)
        if answer["status"] != "success":
            need(answer["code"] == "storage_unavailable", "refused with %s" % answer)
            return offset
        offset += len(piece)
    return offset


def take_all(path):
    """Writes until nothing more fits."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            need(error.errno == errno.ENOSPC, "the disk says %s" % error)
