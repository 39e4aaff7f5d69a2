"""A TLS client of another make: Python's ssl, which is OpenSSL.

usage: tls_client.py PORT line|length|http [TLS version]
Prints the fingerprint of the server's certificate, and what the server said first.
"""

import hashlib
import json
import socket
import ssl
import struct
import sys

port, framing = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if sys.argv[3:] == ["1.2"]:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as stream:
        print(hashlib.sha256(stream.getpeercert(binary_form=True)).hexdigest())
        print(stream.version())
        login = json.dumps({"type": "login", "username": "python " + framing}).encode()
        if framing == "line":
            stream.sendall(login + b"\n")
            print(stream.makefile("rb").readline().decode().strip())
        elif framing == "length":
            stream.sendall(struct.pack(">I", len(login)) + login)
            reader = stream.makefile("rb")
            print(reader.read(struct.unpack(">I", reader.read(4))[0]).decode())
        else:
            stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            print(stream.makefile("rb").readline().decode().strip())
