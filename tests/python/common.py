"""What the two Python clients share: the script that drives them, and what they show.

Each line on stdin is a command, each line on stdout a thing shown; both are JSON arrays, so that a
test can say and check any text. How bytes travel is each client's own business.
"""

import base64
import hashlib
import json
import os
import sys
import threading
import time

_output = threading.Lock()


def show(*what):
    """Prints one line for the test that reads along."""
    line = json.dumps(what)
    with _output:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Chat:
    """A user at the keyboard, and what the screen shows. `send(request)` puts one object on the wire."""

    def __init__(self, username, downloads, send):
        self.username = username
        self.downloads = downloads
        self.send = send
        self.pause = 0.0

    def login_request(self):
        return {"type": "login", "username": self.username}

    def show_login(self, answer):
        """Shows how the login went, and says whether it did."""
        success = answer.get("type") == "login_response" and answer.get("status") == "success"
        show("login", "success" if success else "error", answer.get("message"))
        return success

    def run_script(self):
        """Does what stdin says, until it says `quit` or ends."""
        for line in sys.stdin:
            command, *words = json.loads(line)
            if command == "quit":
                return
            getattr(self, "do_" + command)(*words)

    def do_slow_down(self, seconds):
        """From here on the screen takes so long for each thing that it shows."""
        self.pause = seconds

    def do_private(self, recipient, content):
        self.send(
            {
                "type": "private_message",
                "sender": self.username,
                "recipient": recipient,
                "content": content,
            }
        )

    def do_burst(self, recipient, count):
        for number in range(count):
            self.do_private(recipient, "%s %d" % (self.username, number))

    def do_create_group(self, group):
        self.send({"type": "create_group", "group_name": group, "creator": self.username})

    def do_group(self, group, content):
        self.send(
            {
                "type": "group_message",
                "sender": self.username,
                "group_name": group,
                "content": content,
            }
        )

    def do_add(self, group, member):
        self.send(
            {
                "type": "add_member",
                "group_name": group,
                "new_member": member,
                "requester": self.username,
            }
        )

    def do_members(self, group):
        self.send({"type": "list_group_members", "group_name": group})

    def do_users(self):
        self.send({"type": "list_users"})

    def do_groups(self):
        self.send({"type": "list_groups", "username": self.username})

    def do_file(self, recipient, file_type, path):
        with open(path, "rb") as file:
            file_data = base64.b64encode(file.read()).decode("utf-8")
        self.send(
            {
                "type": "send_file",
                "sender": self.username,
                "recipient": recipient,
                "filename": os.path.basename(path),
                "file_data": file_data,
                "file_type": file_type,
            }
        )

    def receive(self, message):
        """Shows one object from the server, as the menu's screen would."""
        time.sleep(self.pause)
        kind = message.get("type")
        if kind == "private_message_received":
            show("private", message["sender"], message["timestamp"], message["content"])
        elif kind == "group_message_received":
            show(
                "group",
                message["group_name"],
                message["sender"],
                message["timestamp"],
                message["content"],
            )
        elif kind == "file_received":
            self.save(message, "%s_%s" % (message["sender"], message["filename"]))
        elif kind == "group_file_received":
            owners = (message["group_name"], message["sender"], message["filename"])
            self.save(message, "%s_%s_%s" % owners)
        elif kind == "added_to_group":
            show("added", message["group_name"], message["added_by"])
        elif kind == "users_list":
            show("users", message["users"])
        elif kind == "groups_list":
            show("groups", message["groups"])
        elif kind == "members_list_response" and message.get("status") == "success":
            show("members", message["group_name"], message["members"])
        elif "status" in message:
            show("answer", kind, message["status"], message.get("message"))
        else:
            show("unknown", kind)

    def save(self, message, name):
        data = base64.b64decode(message["file_data"])
        os.makedirs(self.downloads, exist_ok=True)
        with open(os.path.join(self.downloads, name), "wb") as file:
            file.write(data)
        show("file", message["sender"], name, len(data), hashlib.sha256(data).hexdigest())
