"""frames_client.py ADDRESS: sends frames of any bytes to a raw echo, and expects each of them back."""

import os
import sys

import zmq
from foreign import connected, expect

address, = sys.argv[1:]
messages = {
    "one empty frame": [b""],
    "one byte": [b"\x00"],
    "each byte there is": [bytes([byte]) for byte in range(256)][:64],
    "all bytes": [bytes(range(256))],
    "only NULs": [bytes(1000)],
    "what looks like an error": [b"ZEP1 internal\nno\n{}"],
    "what looks like a call": [b"ZEP1 call", b"echo", b"json", b"", b"1"],
    "empty frames among others": [b"", b"a", b"", b"", b"b", b""],
    "64 frames": [os.urandom(index) for index in range(64)],
    "a megabyte": [os.urandom(1 << 20)],
    "a megabyte in three": [os.urandom(1 << 18), b"", os.urandom(1 << 19)],
}
socket = connected(zmq.REQ, address)
for name, frames in messages.items():
    socket.send_multipart(frames)
    got = socket.recv_multipart()
    expect(got == frames, f"{name}: {[len(frame) for frame in got]} bytes came back, or others")
print(len(messages))
