"""What the programs here share: the table of values, and each codec as Python has it."""

import datetime
import json
import math
import os
import struct
import sys

import cbor2
import msgpack
import zmq
from google.protobuf import json_format, struct_pb2

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TIMEOUT_MS = 10_000


def revive(value):
    """From the notation of values.json."""
    if isinstance(value, list):
        return [revive(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, given), = value.items()
        if key == "$int":
            return int(given)
        if key == "$float":
            return float(given)
        if key == "$bytes":
            return bytes.fromhex(given)
        if key == "$date":
            return EPOCH + datetime.timedelta(milliseconds=given)
        if key == "$repeat":
            return given[0] * given[1]
        if key == "$nest":
            nested = []
            for _ in range(given - 1):
                nested = [nested]
            return nested
    return {key: revive(item) for key, item in value.items()}


def table(codec):
    """Name and value of all that the codec can carry."""
    with open(os.path.join(HERE, "values.json"), encoding="utf-8") as file:
        rows = json.load(file)
    return [(row["name"], revive(row["value"])) for row in rows if codec in row.get("only", [codec])]


def same(left, right, loose_numbers=False):
    """Equal, and of the same kind: 1 is not True, and 1.0 is 1 only where a format has no integers."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b, loose_numbers) for a, b in zip(left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key], loose_numbers) for key in left)
    if isinstance(left, float) and isinstance(right, float):
        return struct.pack(">d", left) == struct.pack(">d", right) or (math.isnan(left) and math.isnan(right))
    if loose_numbers and {type(left), type(right)} == {int, float}:
        return left == right
    return type(left) is type(right) and left == right


def protobuf_encode(value):
    message = struct_pb2.Value()
    json_format.ParseDict(value, message)
    return message.SerializeToString()


def protobuf_decode(data):
    return json_format.MessageToDict(struct_pb2.Value.FromString(data))


CODECS = {
    "json": (
        lambda value: json.dumps(value, ensure_ascii=False, allow_nan=False).encode(),
        json.loads,
    ),
    "cbor": (
        lambda value: cbor2.dumps(value, datetime_as_timestamp=True),
        cbor2.loads,
    ),
    "msgpack": (
        lambda value: msgpack.packb(value, datetime=True),
        lambda data: msgpack.unpackb(data, timestamp=3),
    ),
    "protobuf": (protobuf_encode, protobuf_decode),
}


def is_same(codec, left, right):
    return same(left, right, loose_numbers=codec == "protobuf")


def connected(kind, address):
    """A socket that gives up, and that does not hold up the end of the process."""
    socket = zmq.Context.instance().socket(kind)
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = TIMEOUT_MS
    socket.connect(address)
    return socket


def expect(condition, text):
    if not condition:
        sys.exit(text if len(text) < 2000 else text[:2000] + "…")
