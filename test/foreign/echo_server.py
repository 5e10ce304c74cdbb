"""echo_server.py CODEC: a REP server that decodes what it gets and encodes it again. Prints its address. Ends when killed."""

import sys

import zmq
from foreign import CODECS

codec, = sys.argv[1:]
encode, decode = CODECS.get(codec, (bytes, bytes))
socket = zmq.Context.instance().socket(zmq.REP)
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(f"tcp://127.0.0.1:{port}", flush=True)
while True:
    socket.send_multipart([encode(decode(frame)) for frame in socket.recv_multipart()])
