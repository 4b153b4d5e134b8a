"""Pickles put together instruction by instruction, as an attacker would, in files of torch."""

import io
import struct
import zipfile

import torch

BUILD = b'b'
SETITEM = b's'


def name(path: str) -> bytes:
    """What the loader has for ``module.attribute``."""
    module, _, attribute = path.rpartition('.')
    return f'c{module}\n{attribute}\n'.encode()


def value(thing: object) -> bytes:
    """Plain data; bytes are instructions already."""
    if isinstance(thing, bytes):
        return thing
    if isinstance(thing, str):
        return b'X' + struct.pack('<I', len(thing.encode())) + thing.encode()
    if isinstance(thing, bool) or thing is None:
        return {None: b'N', True: b'\x88', False: b'\x89'}[thing]
    if isinstance(thing, int):
        return b'J' + struct.pack('<i', thing)
    if isinstance(thing, dict):
        pairs = b''.join(value(k) + value(v) for k, v in thing.items())
        return b'}(' + pairs + b'u'
    opening, closing = {list: (b'](', b'e'), tuple: (b'(', b't')}[type(thing)]
    return opening + b''.join(map(value, thing)) + closing


def raw(content: bytes) -> bytes:
    """Bytes, in the way of pickle's protocol 2."""
    return call('_codecs.encode', content.decode('latin1'), 'latin1')


def call(function: str | bytes, *arguments: object) -> bytes:
    """What a function gives."""
    function = function if isinstance(function, bytes) else name(function)
    return function + value(arguments) + b'R'


def new(kind: str, *arguments: object) -> bytes:
    """What ``kind.__new__`` gives."""
    return name(kind) + value(arguments) + b'\x81'


def attribute(thing: bytes, of: str) -> bytes:
    """The attribute, if ``getattr`` is to be had."""
    return call('builtins.getattr', thing, of)


def file_of(instructions: bytes) -> bytes:
    """A file of torch with this pickle in place of its own."""
    buffer, out = io.BytesIO(), io.BytesIO()
    torch.save({}, buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(out, 'w') as changed:
        for part in whole.namelist():
            own = b'\x80\x02' + instructions + b'.'
            changed.writestr(part, own if part.endswith('data.pkl') else whole.read(part))
    return out.getvalue()
