"""curve_client.py FOLDER [ADDRESS]: without ADDRESS makes the pairs `server` and `client` there, as pyzmq does; with it asks with them."""

import sys
from pathlib import Path

import zmq
import zmq.auth

folder, *rest = sys.argv[1:]
if not rest:
    for name in ("server", "client"):
        zmq.auth.create_certificates(folder, name)
    sys.exit()

server_key, _ = zmq.auth.load_certificate(Path(folder) / "server.key")
public, secret = zmq.auth.load_certificate(Path(folder) / "client.key_secret")
socket = zmq.Context.instance().socket(zmq.REQ)
socket.linger = 0
socket.rcvtimeo = 5000
socket.curve_serverkey = server_key
socket.curve_publickey = public
socket.curve_secretkey = secret
socket.connect(rest[0])
socket.send(b"hello")
print(socket.recv().decode())
