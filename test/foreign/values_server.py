"""values_server.py CODEC: a REP server that expects the values of the table in turn, and sends each back. Prints its address.

A value that it did not expect is answered with what it was, as text that is no value of the table. Ends when killed.
"""

import sys

import zmq
from foreign import CODECS, is_same, table

codec, = sys.argv[1:]
encode, decode = CODECS[codec]
socket = zmq.Context.instance().socket(zmq.REP)
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(f"tcp://127.0.0.1:{port}", flush=True)
for name, value in table(codec):
    got = decode(socket.recv())
    socket.send(encode(value if is_same(codec, got, value) else f"not {name}: {got!r}"[:1000]))
socket.recv()
