"""values_client.py CODEC ADDRESS: sends each value of the table to a server that echoes, and expects it back."""

import sys

import zmq
from foreign import CODECS, connected, expect, is_same, table

codec, address = sys.argv[1:]
encode, decode = CODECS[codec]
socket = connected(zmq.REQ, address)
rows = table(codec)
expect(len(rows) > 20, "the table is gone")
for name, value in rows:
    socket.send(encode(value))
    reply = socket.recv_multipart()
    expect(len(reply) == 1 and not reply[0].startswith(b"ZEP1 "), f"{name}: {reply!r}")
    got = decode(reply[0])
    expect(is_same(codec, got, value), f"{name}: sent {value!r}, got {got!r}")
print(len(rows))
