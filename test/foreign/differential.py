"""differential.py CODEC read | try | write SEED COUNT: what Python reads and writes of a codec, in the form of forms.ts.

`read` takes messages from stdin and gives the form of each on stdout; so does `try`, with `refused` for what can't be read, and
`unlike` for what Python reads in a way of its own; `write` gives pairs of a message and the form of what is in
it. All are preceded by their lengths in four bytes. CODEC is json, cbor, msgpack, value (google.protobuf.Value) or kinds.
"""

import datetime
import decimal
import fractions
import json
import random
import struct
import sys

import cbor2
import msgpack
from google.protobuf import struct_pb2

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)
MAX_SAFE = 2**53 - 1
codec, mode, *rest = sys.argv[1:]


# The form of a value: see forms.ts.


class Unlike(Exception):
    pass


def text_form(text):
    return text.encode("utf-16-be", "surrogatepass").hex()


def float_form(number):
    if number != number:
        return "dNaN"
    if number.is_integer() and abs(number) <= MAX_SAFE:
        return "-0" if number == 0 and struct.pack(">d", number)[0] else f"i{int(number)}"
    return f"d{struct.pack('>d', number).hex()}"


def form(value):
    if value is None or value is cbor2.undefined:
        return "n"
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, int):
        return f"i{value}" if codec != "json" or abs(value) <= MAX_SAFE else float_form(float(value))
    if isinstance(value, float):
        return float_form(value)
    if isinstance(value, str):
        return f"s{text_form(value)}"
    if isinstance(value, bytes):
        return f"b{value.hex()}"
    if isinstance(value, datetime.datetime):
        if mode == "try" and codec == "cbor":
            raise Unlike  # Of a double of seconds Python keeps whole microseconds.
        # What came as a double of seconds is off by less than a millisecond, either way; what is in text is cut off.
        return f"@{(value - EPOCH + (MILLISECOND / 2 if mode == 'read' else 0 * MILLISECOND)) // MILLISECOND}"
    if isinstance(value, msgpack.Timestamp):
        return f"@{value.seconds * 1000 + value.nanoseconds // 1_000_000}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(form, value))}]"
    if isinstance(value, dict):
        return map_form({str(key): form(item) for key, item in value.items()})
    raise Unlike(f"no form for {value!r}")


def map_form(forms):
    return f"{{{','.join(sorted(f'{text_form(key)}:{item}' for key, item in forms.items()))}}}"


def value_form(message):
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return map_form({key: value_form(item) for key, item in message.struct_value.fields.items()})
    if kind == "list_value":
        return f"[{','.join(map(value_form, message.list_value.values))}]"
    return "n" if kind in (None, "null_value") else form(getattr(message, kind))


def message_form(message):
    forms = {}
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            of_key, of_value = field.message_type.fields
            name = (lambda key: str(key).lower()) if of_key.type == of_key.TYPE_BOOL else str
            forms[field.json_name] = map_form({name(key): field_form(of_value, value[key]) for key in value})
        elif field.label == field.LABEL_REPEATED:
            forms[field.json_name] = f"[{','.join(field_form(field, item) for item in value)}]"
        else:
            forms[field.json_name] = field_form(field, value)
    return map_form(forms)


def field_form(field, value):
    if field.message_type:
        return message_form(value)
    if field.enum_type and value in field.enum_type.values_by_number:
        return form(field.enum_type.values_by_number[value].name)
    return form(value)


# Random values. Each way to write has its own, since each has a place for others.

BORDERS = [0, 1, 23, 24, 31, 32, 127, 128, 255, 256, 2**15, 2**16, 2**31, 2**32, 2**53, 2**63, 2**64]
TEXTS = ["", "a", "ä", "\u0000", "\ufeff", "\U0001f388", "\u2028", "\uffff", "e\u0301", '"\\/\n', "\x7f\x80", "\ud7ff\ue000"]


def an_int(least, most):
    near = random.choice(BORDERS) * random.choice([1, -1]) + random.randint(-2, 2)
    wide = random.getrandbits(random.randint(1, most.bit_length())) * random.choice([1, -1])
    return max(least, min(most, random.choice([near, wide])))


def a_float(finite=False):
    while True:
        number = random.choice(
            [
                lambda: struct.unpack(">d", random.randbytes(8))[0],
                lambda: struct.unpack(">f", random.randbytes(4))[0],
                lambda: struct.unpack(">e", random.randbytes(2))[0],
                lambda: random.choice([-0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, 6e-8, 0.1]),
                lambda: random.choice([1.7976931348623157e308, float("inf"), float("-inf"), float("nan"), 2.0**53, 1e21]),
                lambda: random.randint(-10**6, 10**6) / 1000,
            ]
        )()
        if not finite or abs(number) < float("inf"):
            return number


def a_text():
    text = "".join(random.choice(TEXTS) for _ in range(random.choice([0, 1, 2, 5])))
    return text * random.choice([1, 1, 1, 40]) if random.random() < 0.9 else chr(random.randrange(0xE000, 0x110000)) * 3


def a_date(micros=True):
    seconds = random.choice([random.randint(-62_000_000_000, 253_402_300_799), random.randint(-9, 9), 2**32, 2**34])
    return EPOCH + datetime.timedelta(seconds=seconds, microseconds=random.randint(0, 999_999) if micros else 0)


def a_value(leaf, key, depth=0):
    kind = random.random()
    if depth < 4 and kind < (0.5 if depth == 0 else 0.2):
        items = [a_value(leaf, key, depth + 1) for _ in range(random.choice([0, 1, 2, 3, 3, 17]))]
        if random.random() < 0.5:
            return items
        make = random.choice(key)
        return {make(): item for item in items}
    return leaf()


def plain_leaf():
    return random.choice([lambda: None, lambda: True, lambda: False, a_text, lambda: a_float(True)])()


def written_json():
    def text():
        return a_text() + random.choice(["", "\ud800", "\udfff"])

    def leaf():
        return random.choice([plain_leaf, text, lambda: an_int(-(2**80), 2**80)])()

    value = a_value(leaf, [text])
    dumped = json.dumps(value, ensure_ascii=True, indent=random.choice([None, 1, "\t"]))
    try:
        return json.dumps(value, ensure_ascii=random.random() < 0.5).encode(), form(value)
    except UnicodeEncodeError:
        return dumped.encode(), form(value)


class Known:
    """What a message holds that Python would read as something else, or not at all, and its form."""

    def __init__(self, written, form):
        self.written, self.form = written, form


def cbor_leaf():
    def rational(tag, exponent, mantissa):
        base = 10 if tag == 4 else 2
        try:
            number = float(fractions.Fraction(mantissa) * fractions.Fraction(base) ** exponent)
        except OverflowError:
            return None
        return Known(cbor2.dumps(cbor2.CBORTag(tag, [exponent, mantissa])), float_form(number))

    def dated():
        date = a_date()
        if random.random() < 0.5:
            return Known(cbor2.dumps(date), form(date))
        seconds = date.timestamp()
        return Known(cbor2.dumps(date, datetime_as_timestamp=True), f"@{round_up(seconds * 1000)}")

    def tagged():
        text, data = a_text(), random.randbytes(random.randint(0, 30))
        tag, content = random.choice([(32, text), (34, text), (24, data), (64, data), (22, data), (55799, text)])
        return Known(cbor2.dumps(cbor2.CBORTag(tag, content)), form(content))

    return random.choice(
        [
            plain_leaf,
            lambda: an_int(-(2**64), 2**64 - 1),
            lambda: an_int(-(2**2048), 2**2048 - 1),
            a_float,
            lambda: random.randbytes(random.choice([0, 1, 23, 24, 255, 256])),
            lambda: cbor2.undefined,
            dated,
            tagged,
            lambda: rational(4, random.randint(-340, 310), an_int(-(2**70), 2**70)),
            lambda: rational(5, random.randint(-2200, 1000), an_int(-(2**1100), 2**1100)),
        ]
    )()


def round_up(number):
    """As JavaScript rounds."""
    return int((decimal.Decimal(number) + decimal.Decimal("0.5")).to_integral_value(decimal.ROUND_FLOOR))


def known_form(value):
    if isinstance(value, Known):
        return value.form
    if isinstance(value, list):
        return f"[{','.join(map(known_form, value))}]"
    if isinstance(value, dict):
        return map_form({str(key): known_form(item) for key, item in value.items()})
    return form(value)


def head(major, number):
    """In any width that holds it."""
    widths = [(24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")]
    fitting = [(info, struct.pack(width, number)) for info, width in widths if number < 256 ** struct.calcsize(width)]
    if number < 24:
        fitting += [(number, b"")] * 3
    info, more = random.choice(fitting)
    return bytes([major << 5 | info]) + more


def odd_cbor(value):
    """As no encoder writes it, and every decoder has to read it."""
    if isinstance(value, Known):
        return value.written
    if type(value) is int and -(2**64) <= value < 2**64:
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, (str, bytes)):
        major, data = (3, value.encode()) if isinstance(value, str) else (2, value)
        if random.random() < 0.7:
            return head(major, len(data)) + data
        parts = [part.encode() for part in value] if major == 3 else [data[:5], data[5:]]
        return bytes([major << 5 | 31]) + b"".join(head(major, len(part)) + part for part in parts) + b"\xff"
    if isinstance(value, (list, dict)):
        major = 5 if isinstance(value, dict) else 4
        pairs = [part for pair in value.items() for part in pair] if major == 5 else value
        content = b"".join(map(odd_cbor, pairs))
        return bytes([major << 5 | 31]) + content + b"\xff" if random.random() < 0.3 else head(major, len(value)) + content
    return cbor2.dumps(value, canonical=random.random() < 0.5)


def written_cbor():
    value = a_value(cbor_leaf, [a_text, lambda: an_int(-(2**64), 2**64 - 1)])
    return odd_cbor(value), known_form(value)


def odd_msgpack(value):
    """As no encoder writes it, and every decoder has to read it."""

    def sized(data, *ways):
        code, width = random.choice([(code, width) for code, width in ways if len(data) < 256 ** struct.calcsize(width)])
        return bytes([code]) + struct.pack(width, len(data))

    if isinstance(value, float):
        return msgpack.packb(value, use_single_float=same_as_single(value))
    if type(value) is int:
        signed = [(0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q"), (0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")]
        fitting = [msgpack.packb(value)]
        for code, width in signed:
            try:
                fitting.append(bytes([code]) + struct.pack(width, value))
            except struct.error:
                pass
        return random.choice(fitting)
    if isinstance(value, str):
        data = value.encode()
        return sized(data, (0xD9, ">B"), (0xDA, ">H"), (0xDB, ">I")) + data
    if isinstance(value, bytes):
        return sized(value, (0xC4, ">B"), (0xC5, ">H"), (0xC6, ">I")) + value
    if isinstance(value, list):
        return sized(value, (0xDC, ">H"), (0xDD, ">I")) + b"".join(map(odd_msgpack, value))
    if isinstance(value, dict):
        pairs = [part for pair in value.items() for part in pair]
        return sized(value, (0xDE, ">H"), (0xDF, ">I")) + b"".join(map(odd_msgpack, pairs))
    return msgpack.packb(value, datetime=True)


def same_as_single(number):
    try:
        return struct.unpack(">f", struct.pack(">f", number))[0] == number
    except OverflowError:
        return False


def written_msgpack():
    def timestamp():
        seconds = random.choice([an_int(0, 2**34), an_int(-(8 * 10**12), 8 * 10**12)])
        return msgpack.Timestamp(seconds, random.choice([0, 1, 999_999_999, random.randrange(10**9)]))

    def leaf():
        others = [lambda: an_int(-(2**63), 2**64 - 1), a_float, lambda: random.randbytes(random.choice([0, 1, 255, 256]))]
        return random.choice([plain_leaf, *others, a_date, timestamp])()

    value = a_value(leaf, [a_text, lambda: an_int(-(2**63), 2**64 - 1)])
    written = msgpack.packb(value, datetime=True) if random.random() < 0.5 else odd_msgpack(value)
    return written, form(value)


def value_message(value):
    message = struct_pb2.Value()
    if isinstance(value, dict):
        message.struct_value.SetInParent()
        for key, item in value.items():
            message.struct_value.fields[key].CopyFrom(value_message(item))
    elif isinstance(value, list):
        message.list_value.SetInParent()
        message.list_value.values.extend(map(value_message, value))
    elif value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, str):
        message.string_value = value
    else:
        message.number_value = value
    return message


def written_value():
    message = value_message(a_value(plain_leaf, [a_text]))
    return message.SerializeToString(), value_form(message)


def fill(message, depth=0):
    for field in random.sample(list(message.DESCRIPTOR.fields), random.choice([0, 1, 3, 6])):
        if field.message_type and depth == 3:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            of_key, of_value = field.message_type.fields
            for _ in range(random.randint(1, 3)):
                entry = getattr(message, field.name)
                if of_value.message_type:
                    fill(entry[a_scalar(of_key)], depth + 1)
                else:
                    entry[a_scalar(of_key)] = a_scalar(of_value)
        elif field.label == field.LABEL_REPEATED:
            for _ in range(random.randint(1, 3)):
                if field.message_type:
                    fill(getattr(message, field.name).add(), depth + 1)
                else:
                    getattr(message, field.name).append(a_scalar(field))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, a_scalar(field))
    return message


def a_scalar(field):
    kind = field.cpp_type
    if kind == field.CPPTYPE_ENUM:
        return random.choice([0, 1, 2, 3, -1, 2**31 - 1])
    if kind == field.CPPTYPE_INT32:
        return an_int(-(2**31), 2**31 - 1)
    if kind == field.CPPTYPE_UINT32:
        return an_int(0, 2**32 - 1)
    if kind == field.CPPTYPE_INT64:
        return an_int(-(2**63), 2**63 - 1)
    if kind == field.CPPTYPE_UINT64:
        return an_int(0, 2**64 - 1)
    if kind == field.CPPTYPE_BOOL:
        return random.random() < 0.5
    if field.type == field.TYPE_BYTES:
        return random.randbytes(random.randint(0, 9))
    return a_text() if kind == field.CPPTYPE_STRING else a_float()


def written_kinds():
    """Two messages on end are one, merged; Python merges them too."""
    data = b"".join(fill(Kinds()).SerializeToString() for _ in range(random.choice([1, 1, 2])))
    return data, message_form(Kinds.FromString(data))


READ = {
    "json": lambda data: form(json.loads(data, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))),
    "cbor": lambda data: form(cbor2.loads(data)),
    "msgpack": lambda data: form(msgpack.unpackb(data, timestamp=0, strict_map_key=False)),
    "value": lambda data: value_form(struct_pb2.Value.FromString(data)),
    "kinds": lambda data: message_form(Kinds.FromString(data)),
}
WRITTEN = {
    "json": written_json,
    "cbor": written_cbor,
    "msgpack": written_msgpack,
    "value": written_value,
    "kinds": written_kinds,
}

if codec == "kinds":
    from kinds_pb2 import Kinds


def put(data):
    sys.stdout.buffer.write(struct.pack(">I", len(data)) + data)


def read_or_refused(data):
    try:
        return READ[codec](data)
    except Unlike:
        return "unlike"
    except Exception as error:
        # Its dates end with the year 9999, and have three or six digits below a second.
        told = f"{error} {error.__cause__}"
        return "unlike" if "out of range" in told or "datetime" in told else "refused"


if mode in ("read", "try"):
    while prefix := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(*struct.unpack(">I", prefix))
        put((READ[codec](data) if mode == "read" else read_or_refused(data)).encode())
else:
    seed, count = map(int, rest)
    random.seed(seed)
    for _ in range(count):
        data, told = WRITTEN[codec]()
        put(data)
        put(told.encode())
