#!/usr/bin/env python3
"""Calls zmqecho from Python. Needs pyzmq (Debian: python3-zmq).

    echo.py ADDRESS            an endpoint with one handler that echoes, codec raw or json
    echo.py ADDRESS GATEWAY    and one with `handlers` that serves echo by name

Exits with 0 if all that came back is right.
"""

import json
import sys

import zmq

TIMEOUT_MS = 5000


class CallError(Exception):
    """What the server says instead of a result: a code, a message, details."""

    def __init__(self, code, message, details):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.details = code, message, details


def exchange(address, frames):
    """Sends one message and returns the frames of its reply."""
    with zmq.Context.instance().socket(zmq.REQ) as socket:
        socket.linger = 0  # without it, the process can't end while nobody is there to take the message
        socket.connect(address)
        socket.send_multipart(frames)
        if not socket.poll(TIMEOUT_MS):
            raise CallError("deadline_exceeded", f"no answer from {address} within {TIMEOUT_MS} ms", {})
        return socket.recv_multipart()


CODES = {
    "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
    "permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented",
    "internal", "unavailable", "data_loss", "unauthenticated",
}


def plain_error(frames):
    """The error in a plain endpoint's reply, or None if the reply is a result."""
    if len(frames) != 1 or not frames[0].startswith(b"ZEP1 "):
        return None
    try:
        head, message, details = frames[0].decode().split("\n", 2)
        parsed = json.loads(details or "{}")
    except ValueError:
        return None
    code = head[len("ZEP1 "):]
    return CallError(code, message, parsed) if code in CODES and isinstance(parsed, dict) else None


def request(address, value):
    """Asks an endpoint with one handler: the message is the payload and nothing else."""
    frames = exchange(address, [json.dumps(value).encode()])
    error = plain_error(frames)
    if error:
        raise error
    return json.loads(frames[0])


def call(address, handler, value, metadata=None):
    """Calls a handler by name (ZEP/1)."""
    fields = json.dumps({"timeout-ms": str(TIMEOUT_MS), **(metadata or {})})
    head = [part.encode() for part in ("ZEP1 call", handler, "json", fields)]
    status, *rest = exchange(address, [*head, json.dumps(value).encode()])
    if status == b"ZEP1 ok":
        return json.loads(rest[2])
    raise CallError(status.decode()[len("ZEP1 "):], rest[0].decode(), json.loads(rest[1] or b"{}"))


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r}, not {wanted!r}")
    print(f"{what}: {got!r}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    value = {"text": "Grüße", "numbers": [1, 2.5, -3], "none": None}
    try:
        expect("plain", request(sys.argv[1], value), value)
        for gateway in sys.argv[2:]:
            expect("by name", call(gateway, "echo", value, {"tenant": "acme"}), value)
            try:
                call(gateway, "no-such-handler", value)
                sys.exit("a handler that is not there was called")
            except CallError as error:
                expect("no such handler", error.code, "not_found")
    except CallError as error:
        sys.exit(str(error))


main()
