"""Make the sizes of an ONNX graph's input free, without the onnx package.

CenterFace was exported with its batch, height and width written into the file, though the network is fully
convolutional. The onnx package would change them in three lines, but it would add 17 MB to the base install for one
call, so this page edits the protobuf wire format itself: it touches the shapes that the file declares for one input
and for the outputs, drops the intermediate ones (onnxruntime infers them again), and copies all else byte for byte.

Source: protobuf encoding guide (varints, length-delimited fields) and onnx.proto3 (field numbers below).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from unmask.errors import BundleError

_VARINT_BITS = 64
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH = 7
_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO = 11, 12, 13
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_SHAPE = 2
_SHAPE_DIM = 1
_DIM_VALUE, _DIM_PARAM = 1, 2


def free_dimensions(model: bytes, name: str, shape: Sequence[int | str]) -> bytes:
    """Redeclare the shape of input `name` and leave the shapes of all outputs open.

    Args:
        model: A serialised ONNX ModelProto.
        name: The input to redeclare.
        shape: Its dimensions: an int is fixed, a str names a free one.

    Raises:
        BundleError: The bytes are no ONNX model, or have no such input.
    """
    try:
        fields = list(_fields(model))
        if not any(number == _MODEL_GRAPH for number, _, _ in fields):
            raise ValueError("it holds no graph")
        return b"".join(
            _field(number, wire, _graph(payload, name, shape) if number == _MODEL_GRAPH else payload)
            for number, wire, payload in fields
        )
    except (IndexError, ValueError) as error:
        raise BundleError(f"this is no ONNX model: {error}") from error


def _graph(graph: bytes, name: str, shape: Sequence[int | str]) -> bytes:
    found = False
    parts = []
    for number, wire, payload in _fields(graph):
        if number == _GRAPH_VALUE_INFO:
            continue
        if number == _GRAPH_INPUT and dict((n, p) for n, _, p in _fields(payload)).get(_VALUE_NAME) == name.encode():
            found = True
            payload = _with_shape(payload, _shape(shape))
        elif number == _GRAPH_OUTPUT:
            payload = _with_shape(payload, None)
        parts.append(_field(number, wire, payload))
    if not found:
        raise BundleError(f'the graph has no input "{name}"')
    return b"".join(parts)


def _with_shape(value_info: bytes, shape: bytes | None) -> bytes:
    return _replace(value_info, _VALUE_TYPE, lambda t: _replace(t, _TYPE_TENSOR, lambda x: _set_shape(x, shape)))


def _set_shape(tensor: bytes, shape: bytes | None) -> bytes:
    kept = b"".join(_field(number, wire, p) for number, wire, p in _fields(tensor) if number != _TENSOR_SHAPE)
    return kept if shape is None else kept + _field(_TENSOR_SHAPE, _BYTES, shape)


def _shape(shape: Sequence[int | str]) -> bytes:
    dims = (
        _field(_DIM_PARAM, _BYTES, d.encode()) if isinstance(d, str) else _field(_DIM_VALUE, _VARINT, _varint(d))
        for d in shape
    )
    return b"".join(_field(_SHAPE_DIM, _BYTES, dim) for dim in dims)


def _replace(message: bytes, wanted: int, change: Callable[[bytes], bytes]) -> bytes:
    return b"".join(_field(n, wire, change(p) if n == wanted else p) for n, wire, p in _fields(message))


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, wire type and payload of each field; a varint's payload is its own encoding."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            start, (_, at) = at, _read_varint(message, at)
        elif wire == _BYTES:
            length, start = _read_varint(message, at)
            at = start + length
        elif wire in (_FIXED32, _FIXED64):
            start, at = at, at + (4 if wire == _FIXED32 else 8)
        else:
            raise ValueError(f"unknown wire type {wire}")
        if at > len(message):
            raise ValueError("a field runs past the end")
        yield tag >> 3, wire, message[start:at]


def _field(number: int, wire: int, payload: bytes) -> bytes:
    length = _varint(len(payload)) if wire == _BYTES else b""
    return _varint(number << 3 | wire) + length + payload


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _VARINT_BITS, 7):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
