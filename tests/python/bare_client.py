"""A client like the first Python one: JSON objects with nothing between them.

It sends an object without newline or length, and takes whatever one `recv(4096)` returns for one
object. What cannot be parsed is a message lost, and counted.

    python3 bare_client.py HOST PORT USERNAME DOWNLOADS
"""

import json
import socket
import sys
import threading

sys.dont_write_bytecode = True

from common import Chat, show  # noqa: E402


def main():
    host, port, username, downloads = sys.argv[1:]
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.connect((host, int(port)))

    def send(request):
        data = json.dumps(request).encode("utf-8")
        if request["type"] == "send_file":
            sock.sendall(data)
        else:
            sock.send(data)

    chat = Chat(username, downloads, send)
    send(chat.login_request())
    # The first client waits for this answer before its receiver starts.
    if not chat.show_login(json.loads(sock.recv(4096).decode("utf-8"))):
        sock.close()
        return 1
    threading.Thread(target=receive, args=(sock, chat), daemon=True).start()
    chat.run_script()
    sock.close()
    return 0


def receive(sock, chat):
    lost = 0
    while True:
        try:
            data = sock.recv(4096)
        except OSError:
            break
        if not data:
            break
        try:
            message = json.loads(data.decode("utf-8"))
        except ValueError:
            lost += 1
            show("lost", lost, len(data))
            continue
        chat.receive(message)
    show("closed", lost)


if __name__ == "__main__":
    sys.exit(main())
