"""Reads back a GGUF file that export-gguf.ts wrote: its tokenizer and its weights."""

import struct
from pathlib import Path

import torch

ALIGNMENT = 32
STRING, LIST = 8, 9
KINDS = enumerate(['B', 'b', 'H', 'h', 'I', 'i', 'f', '?', None, None, 'Q', 'q', 'd'])
NUMBERS = {kind: name for kind, name in KINDS if name}
F32, Q8_0 = 0, 8
BLOCK = 32  # numbers of a Q8_0 block, after their scale in two bytes


class Reader:
    def __init__(self, file: bytes):
        self.file, self.at = file, 0

    def number(self, kind: str):
        (value,) = struct.unpack_from(f'<{kind}', self.file, self.at)
        self.at += struct.calcsize(kind)
        return value

    def string(self) -> str:
        length = self.number('Q')
        self.at += length
        return self.file[self.at - length : self.at].decode()

    def value(self, kind: int):
        if kind == STRING:
            return self.string()
        if kind == LIST:
            inner, length = self.number('I'), self.number('Q')
            return [self.value(inner) for _ in range(length)]
        return self.number(NUMBERS[kind])


def read(path: Path) -> tuple[list[str], dict[str, int], dict[str, torch.Tensor]]:
    """Returns the vocabulary, the rank of each merged piece, and the weights by name."""
    reader = Reader(path.read_bytes())
    assert reader.file[:4] == b'GGUF', path
    reader.at = 8
    tensors, pairs = reader.number('Q'), reader.number('Q')
    told = {}
    for _ in range(pairs):
        name = reader.string()
        told[name] = reader.value(reader.number('I'))
    heads = []
    for _ in range(tensors):
        name, dimensions = reader.string(), reader.number('I')
        sizes = [reader.number('Q') for _ in range(dimensions)]
        heads.append((name, sizes[::-1], reader.number('I'), reader.number('Q')))
    start = -(-reader.at // ALIGNMENT) * ALIGNMENT
    weights = {n: numbers(reader.file, start + at, s, kind) for n, s, kind, at in heads}
    vocab, scores = told['tokenizer.ggml.tokens'], told['tokenizer.ggml.scores']
    merged = [(piece, -int(score) - 1) for piece, score in zip(vocab, scores) if -1e5 < score < 0]
    return vocab, dict(sorted(merged, key=lambda one: one[1])), weights


def numbers(file: bytes, at: int, sizes: list[int], kind: int) -> torch.Tensor:
    count = torch.Size(sizes).numel()
    if kind == F32:
        raw = bytearray(file[at : at + 4 * count])
        return torch.frombuffer(raw, dtype=torch.float32).reshape(sizes)
    assert kind == Q8_0, kind
    blocks = count // BLOCK
    raw = torch.frombuffer(bytearray(file[at : at + blocks * (BLOCK + 2)]), dtype=torch.uint8)
    raw = raw.reshape(blocks, BLOCK + 2)
    scales = raw[:, :2].contiguous().view(torch.float16).float()
    return (raw[:, 2:].contiguous().view(torch.int8).float() * scales).reshape(sizes)
