"""batch_client.py ADDRESS: batches (ZEP/1), as docs/protocol.md has them, of handlers `echo`, `later` and `about`."""

import json
import os
import struct
import sys

import zmq
from foreign import HERE, connected, expect

address, = sys.argv[1:]
socket = connected(zmq.DEALER, address)
last = 0


def pack(items):
    packed = b""
    for id, frames in items:
        packed += struct.pack(">IH", id, len(frames))
        for frame in frames:
            packed += struct.pack(">I", len(frame)) + frame
    return packed


def unpack(packed):
    items, at = [], 0
    while at < len(packed) or not items:
        id, count = struct.unpack_from(">IH", packed, at)
        at += 6
        frames = []
        for _ in range(count):
            length, = struct.unpack_from(">I", packed, at)
            at += 4 + length
            frames.append(packed[at - length : at])
        if at > len(packed) or not frames:
            raise ValueError("no batch")
        items.append((id, frames))
    if len(items) > 256 or len(packed) > 65536:
        raise ValueError("over the limits")
    return items


def send(*body):
    """In an envelope of a number of its own, which it gives."""
    global last
    last += 1
    socket.send_multipart([struct.pack(">I", last), b"", *body])
    return last


def receive():
    """The number of a batch, and the replies that a message brings by their ids; what is to the batch as a whole has none."""
    frames = socket.recv_multipart()
    end = frames.index(b"")
    number, *id = [struct.unpack(">I", frame)[0] for frame in frames[:end]]
    body = frames[end + 1 :]
    if id:
        return number, [(id[0], body)]
    if body[0] != b"ZEP1 batch":
        return number, [(None, body)]
    expect(len(body) == 2 and len(body[1]) <= 65536, f"replies: {body!r}")
    return number, unpack(body[1])


def ask(*body):
    number = send(*body)
    replied, ((id, reply),) = receive()
    expect(replied == number and id is None, f"{body!r}: {reply!r}")
    return reply


def call(handler, value, metadata=b"", codec=b"json"):
    return [b"ZEP1 call", handler, codec, metadata, json.dumps(value).encode()]


with open(os.path.join(HERE, "../vectors/zep1.json"), encoding="utf-8") as file:
    vectors = json.load(file)["batches"]
expect(vectors, "no vectors")
for vector in vectors:
    frame = bytes.fromhex(vector["frame"])
    try:
        items = [{"id": id, "frames": [part.hex() for part in frames]} for id, frames in unpack(frame)]
        expect(items == vector.get("items") and pack(unpack(frame)) == frame, f"{vector!r}: {items!r}")
    except (struct.error, ValueError):
        expect("error" in vector, f"{vector!r}: not read")

reply = ask(b"ZEP1 batch")
expect(reply[:2] == [b"ZEP1 ok", b"json"], f"question: {reply!r}")
limits = json.loads(reply[3])
expect(limits["maxBytes"] > 0 and limits["maxCalls"] > 0, f"question: {limits!r}")

# Several batches at once, whose calls bear the same ids; every one gets its own reply, and no other.
wanted = {}
for batch in range(20):
    values = {id: f"{batch}.{id}" for id in range(30)}
    values[30] = f"{batch}." + "x" * 20_000  # its reply is not packed
    calls = [(id, call(b"later" if id % 7 == 0 else b"echo", value)) for id, value in values.items()]
    number = send(b"ZEP1 batch", pack(calls))
    wanted.update({(number, id): value for id, value in values.items()})
while wanted:
    number, replies = receive()
    for id, reply in replies:
        value = wanted.pop((number, id), None)
        expect(value is not None, f"{number}, {id}: a second reply, or one to nobody: {reply!r}")
        expect(reply[:3] == [b"ZEP1 ok", b"json", b""] and json.loads(reply[3]) == value, f"{number}, {id}: {reply!r}")

# Each has its own outcome.
metadata = json.dumps({"tenant": "Käfer", "request-id": "in-a-batch"}).encode()
cases = [
    (b"ZEP1 ok", call(b"echo", 1)),
    (b"ZEP1 ok", call(b"about", None, metadata)),
    (b"ZEP1 ok", [b"ZEP1 ping"]),
    (b"ZEP1 ok", [b"ZEP1 list"]),
    (b"ZEP1 not_found", call(b"nobody", 1)),
    (b"ZEP1 unimplemented", call(b"echo", 1, codec=b"xml")),
    (b"ZEP1 unimplemented", [b"ZEP2 call", b"echo", b"json", b"", b"1"]),
    (b"ZEP1 invalid_argument", [b"ZEP1 batch", pack([(1, [b"ZEP1 ping"])])]),
    (b"ZEP1 invalid_argument", [b""]),
    (b"ZEP1 resource_exhausted", [b""] * 100),
]
number = send(b"ZEP1 batch", pack((0xFFFFFFFF - index, frames) for index, (_, frames) in enumerate(cases)))
outcomes = {}
while len(outcomes) < len(cases):
    replied, replies = receive()
    expect(replied == number and not outcomes.keys() & dict(replies).keys(), f"outcomes: {replies!r}")
    outcomes.update(replies)
for index, (code, frames) in enumerate(cases):
    reply = outcomes.get(0xFFFFFFFF - index)
    expect(reply is not None and reply[0] == code, f"{frames!r}: {reply!r}")
    expect(code == b"ZEP1 ok" or "requestId" in json.loads(reply[2]), f"{frames!r}: {reply!r}")
about = json.loads(outcomes[0xFFFFFFFF - 1][3])
expect(about == {"requestId": "in-a-batch", "metadata": {"tenant": "Käfer"}, "codec": "json"}, f"about: {about!r}")

# What can't be read, or is too much, is refused as a whole.
ping = (1, [b"ZEP1 ping"])
for packed in b"", b"\0", pack([(1, [])]), pack([ping])[:-1], pack([ping]) + b"\0", b"\0\0\0\1\0\1\xff\xff\xff\xff":
    expect(ask(b"ZEP1 batch", packed)[0] == b"ZEP1 invalid_argument", f"{packed!r} is taken")
expect(ask(b"ZEP1 batch", pack([ping]), b"")[0] == b"ZEP1 invalid_argument", "a third frame is taken")
for packed in pack([ping] * (limits["maxCalls"] + 1)), b"\0" * (limits["maxBytes"] + 1):
    expect(ask(b"ZEP1 batch", packed)[0] == b"ZEP1 resource_exhausted", f"{len(packed)} bytes are taken")
expect(not socket.poll(50), "a reply too many")
