"""A byte-pair tokenizer that llama.cpp reads as its "llama" (SentencePiece) kind.

The pieces are learned from our own text. A space becomes U+2581 at the start of the next word and
no piece crosses a word, so that llama.cpp, which merges the piece of the lowest rank first, cuts
every text exactly as `encode` does.
"""

from collections import Counter

SPACE = '\u2581'
SPECIAL = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>']
BYTES = [f'<0x{byte:02X}>' for byte in range(256)]
CHARACTERS = [SPACE, '\n'] + [chr(code) for code in range(33, 127)]


def words_of(text: str) -> list[str]:
    """'a b' -> ['a', '_b']: each word with the space before it; a line break stands alone."""
    words: list[str] = []
    for number, line in enumerate(text.split('\n')):
        if number > 0:
            words.append('\n')
        first, *others = line.split(' ')
        words += ([first] if first else []) + [SPACE + word for word in others]
    return words


def merge(pieces: list[str], left: str, right: str) -> list[str]:
    merged: list[str] = []
    for piece in pieces:
        if merged and merged[-1] == left and piece == right:
            merged[-1] = left + right
        else:
            merged.append(piece)
    return merged


def learn(texts: list[str], size: int) -> tuple[list[str], dict[str, int]]:
    """Returns the vocabulary and the rank of each merged piece."""
    counts = Counter(word for text in texts for word in words_of(text))
    pieces = {word: list(word) for word in counts}
    vocab = SPECIAL + BYTES + CHARACTERS
    ranks: dict[str, int] = {}
    while len(vocab) < size:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in counts.items():
            for pair in zip(pieces[word], pieces[word][1:]):
                pairs[pair] += count
        left, right = max(pairs, key=lambda pair: (pairs[pair], pair))
        if left + right not in ranks:
            ranks[left + right] = len(ranks)
            vocab.append(left + right)
        pieces = {word: merge(cut, left, right) for word, cut in pieces.items()}
    return vocab, ranks


class Tokenizer:
    def __init__(self, vocab: list[str], ranks: dict[str, int]):
        self.vocab = vocab
        self.ranks = ranks
        self.ids = {piece: number for number, piece in enumerate(vocab)}
        self.known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        return [number for word in words_of(text) for number in self.word(word)]

    def word(self, word: str) -> list[int]:
        if word not in self.known:
            self.known[word] = [number for piece in self.cut(word) for number in self.number(piece)]
        return self.known[word]

    def cut(self, word: str) -> list[str]:
        pieces = list(word)
        while True:
            joined = [left + right for left, right in zip(pieces, pieces[1:])]
            known = [(self.ranks[both], at) for at, both in enumerate(joined) if both in self.ranks]
            if not known:
                return pieces
            _, at = min(known)
            pieces[at : at + 2] = [joined[at]]

    def number(self, piece: str) -> list[int]:
        if piece in self.ids:
            return [self.ids[piece]]
        return [self.ids[f'<0x{byte:02X}>'] for byte in piece.encode()]

    def decode(self, ids: list[int]) -> str:
        return ''.join(self.vocab[number] for number in ids).replace(SPACE, ' ')
