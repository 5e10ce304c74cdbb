"""zep_client.py ADDRESS: calls by name (ZEP/1), as docs/protocol.md has them, of handlers `echo` and `about`."""

import json
import sys

import zmq
from foreign import CODECS, connected, expect

address, = sys.argv[1:]
socket = connected(zmq.REQ, address)


def ask(*frames):
    socket.send_multipart(list(frames))
    return socket.recv_multipart()


value = {"text": "Grüße", "numbers": [1, 2.5, -3], "none": None}
for codec, (encode, decode) in CODECS.items():
    reply = ask(b"ZEP1 call", b"echo", codec.encode(), b"", encode(value))
    expect(reply[:2] == [b"ZEP1 ok", codec.encode()] and len(reply) == 4, f"{codec}: {reply!r}")
    expect(decode(reply[3]) == value, f"{codec}: {reply!r}")

reply = ask(b"ZEP1 call", b"echo", b"raw", b"{}", b"\x00", b"", b"\xff")
expect(reply[0] == b"ZEP1 ok" and reply[3:] == [b"\x00", b"", b"\xff"], f"raw: {reply!r}")

metadata = {"tenant": "Käfer", "request-id": "from-python-1", "timeout-ms": "3000"}
reply = ask(b"ZEP1 call", b"about", b"json", json.dumps(metadata).encode(), b"null")
expect(reply[0] == b"ZEP1 ok", f"about: {reply!r}")
about = json.loads(reply[3])
expect(about == {"requestId": "from-python-1", "metadata": {"tenant": "Käfer"}, "codec": "json"}, f"about: {about!r}")

reply = ask(b"ZEP1 ping")
expect(reply[:2] == [b"ZEP1 ok", b"json"] and isinstance(json.loads(reply[3]), dict), f"ping: {reply!r}")

errors = {
    "not_found": [b"ZEP1 call", b"nobody", b"json", b"", b"1"],
    "unimplemented": [b"ZEP1 call", b"echo", b"xml", b"", b"1"],
    "invalid_argument": [b"ZEP1 call", b"echo", b"json", b"", b"{"],
}
for code, frames in errors.items():
    reply = ask(*frames)
    expect(len(reply) == 3 and reply[0] == b"ZEP1 " + code.encode(), f"{code}: {reply!r}")
    expect(reply[1] and "requestId" in json.loads(reply[2]), f"{code}: {reply!r}")
for code, frames in {
    b"ZEP1 unimplemented": [[b"ZEP1 cancel"], [b"ZEP2 call", b"echo", b"json", b"", b"1"]],
    b"ZEP1 invalid_argument": [[b"hello"], [b""], [b"ZEP1 call", b"echo"], [b"ZEP1 call", b"echo", b"json", b"[]", b"1"]],
}.items():
    for message in frames:
        reply = ask(*message)
        expect(len(reply) == 3 and reply[0] == code, f"{message!r}: {reply!r}")
