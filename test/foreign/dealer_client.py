"""dealer_client.py ADDRESS: a DEALER with REQ's envelope, many requests under way, to a server that echoes."""

import sys

import zmq
from foreign import connected, expect

address, = sys.argv[1:]
socket = connected(zmq.DEALER, address)
bodies = [f"request {number}".encode() for number in range(100)]
for body in bodies:
    socket.send_multipart([b"", body])
replies = [socket.recv_multipart() for _ in bodies]
expect(sorted(replies) == sorted([b"", body] for body in bodies), f"{replies!r}")

# An envelope may be longer than REQ's: a proxy adds a frame for each hop.
socket.send_multipart([b"hop 1", b"hop 2", b"", b"from afar", b""])
got = socket.recv_multipart()
expect(got == [b"hop 1", b"hop 2", b"", b"from afar", b""], f"{got!r}")

# What has no envelope is no request, and what comes after it is served.
socket.send_multipart([b"no envelope"])
socket.send_multipart([b"", b"after it"])
got = socket.recv_multipart()
expect(got == [b"", b"after it"], f"{got!r}")
