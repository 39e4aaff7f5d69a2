"""A client like the later Python one: each JSON object behind its length, in 4 bytes, big-endian.

It answers `heartbeat_ping` with `heartbeat_ack`.

    python3 length_client.py HOST PORT USERNAME DOWNLOADS
"""

import json
import socket
import struct
import sys
import threading

sys.dont_write_bytecode = True

from common import Chat, show  # noqa: E402


def main():
    host, port, username, downloads = sys.argv[1:]
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, int(port)))
    sending = threading.Lock()

    def send(request):
        data = json.dumps(request).encode("utf-8")
        with sending:
            sock.sendall(struct.pack(">I", len(data)) + data)

    chat = Chat(username, downloads, send)
    send(chat.login_request())
    answer = receive_object(sock)
    if answer is None or not chat.show_login(answer):
        sock.close()
        return 1
    threading.Thread(target=receive, args=(sock, chat), daemon=True).start()
    chat.run_script()
    sock.close()
    return 0


def receive(sock, chat):
    while True:
        try:
            message = receive_object(sock)
        except OSError:
            break
        if message is None:
            break
        if message.get("type") == "heartbeat_ping":
            chat.send({"type": "heartbeat_ack"})
            show("heartbeat")
            continue
        chat.receive(message)
    show("closed", 0)


def receive_object(sock):
    """The next object, or None where the stream ends."""
    prefix = receive_exactly(sock, 4)
    if prefix is None:
        return None
    (length,) = struct.unpack(">I", prefix)
    data = receive_exactly(sock, length)
    return None if data is None else json.loads(data.decode("utf-8"))


def receive_exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


if __name__ == "__main__":
    sys.exit(main())
