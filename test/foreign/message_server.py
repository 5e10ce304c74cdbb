"""message_server.py MODULE TYPE FILE: a REP server that compares what it gets to a message made from ProtoJSON, and sends that.

Prints its address. What differs is answered with an empty message, and said on stderr. Ends when killed.
"""

import importlib
import sys

import zmq
from google.protobuf import json_format

module, type_name, file_name = sys.argv[1:]
Message = getattr(importlib.import_module(module), type_name)
with open(file_name, encoding="utf-8") as file:
    expected = json_format.Parse(file.read(), Message())
socket = zmq.Context.instance().socket(zmq.REP)
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(f"tcp://127.0.0.1:{port}", flush=True)
while True:
    got = Message.FromString(socket.recv())
    if got != expected:
        print(f"expected {expected}, got {got}", file=sys.stderr, flush=True)
    socket.send(expected.SerializeToString() if got == expected else b"")
