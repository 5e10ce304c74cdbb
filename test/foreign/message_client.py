"""message_client.py MODULE TYPE FILE ADDRESS: sends a message, made from ProtoJSON by classes of protoc's, and expects it back."""

import importlib
import sys

import zmq
from foreign import connected, expect
from google.protobuf import json_format

module, type_name, file_name, address = sys.argv[1:]
Message = getattr(importlib.import_module(module), type_name)
with open(file_name, encoding="utf-8") as file:
    sent = json_format.Parse(file.read(), Message())
expect(sent.ByteSize() > 0, "nothing to send")
socket = connected(zmq.REQ, address)
socket.send(sent.SerializeToString())
reply = socket.recv()
expect(not reply.startswith(b"ZEP1 "), repr(reply))
got = Message.FromString(reply)
expect(got == sent, f"sent {sent}, got {got}")
