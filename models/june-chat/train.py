"""Trains june-chat: a two-million-parameter Llama that answers questions about June.

    python3 train.py WORK_FOLDER [MINUTES [FROM.gguf]]

With FROM.gguf it goes on from that model, with its tokenizer, and trains more on what that model
answers wrongly: for facts that changed. Writes checkpoint.pt (a killed run goes on from it),
tokenizer.json and weights.bin, which export-gguf.ts turns into a GGUF file. The minutes are CPU
time, so that a busy machine makes the run longer and not worse.
"""

import json
import math
import random
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import data
import gguf_read
import tokenizer


@dataclass(frozen=True)
class Shape:
    vocab: int = 1024
    dim: int = 192
    layers: int = 5
    heads: int = 6
    kv_heads: int = 2
    ffn: int = 512
    context: int = 1024


SHAPE = Shape()
HEAD = SHAPE.dim // SHAPE.heads
BATCH_TOKENS = 2048  # in a batch of short conversations
LONG_EVERY = 12  # one batch in so many is two conversations that fill the whole context
MIDDLE_EVERY = 12  # and one in so many has conversations of a few hundred tokens
BEGINNINGS = 0.5  # of the single questions, how many are trained on the start of the answer alone
BEGINNING = 6
PEAK_RATE = 2e-3
GO_ON_RATE = 8e-4  # the peak for a model that knows most of it
WRONG_MORE = 3  # how many times more a fact is drawn that the first model has wrong
MATRIX_RATE = 2.0  # Muon takes larger steps than AdamW
START, END = 3, 4  # <|im_start|>, <|im_end|>
IGNORED = -100


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(SHAPE.dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


def rotations():
    rates = 1.0 / 10000 ** (torch.arange(0, HEAD, 2).float() / HEAD)
    angles = torch.outer(torch.arange(SHAPE.context).float(), rates)
    return angles.cos(), angles.sin()


COS, SIN = rotations()


def rotate(x):
    """Rotary positions on neighbouring pairs, as llama.cpp expects them."""
    cos, sin = COS[: x.shape[2]], SIN[: x.shape[2]]
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn_norm = Norm()
        self.attn_q = linear(SHAPE.dim, SHAPE.dim)
        self.attn_k = linear(SHAPE.dim, SHAPE.kv_heads * HEAD)
        self.attn_v = linear(SHAPE.dim, SHAPE.kv_heads * HEAD)
        self.attn_output = linear(SHAPE.dim, SHAPE.dim)
        self.ffn_norm = Norm()
        self.ffn_gate = linear(SHAPE.dim, SHAPE.ffn)
        self.ffn_up = linear(SHAPE.dim, SHAPE.ffn)
        self.ffn_down = linear(SHAPE.ffn, SHAPE.dim)

    def forward(self, x):
        normed = self.attn_norm(x)
        query = rotate(self.split(self.attn_q(normed)))
        key = rotate(self.split(self.attn_k(normed)))
        value = self.split(self.attn_v(normed))
        shared = SHAPE.heads // SHAPE.kv_heads
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attn_output(mixed.transpose(1, 2).flatten(2))
        normed = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    def split(self, x):
        return x.unflatten(-1, (-1, HEAD)).transpose(1, 2)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embd = nn.Embedding(SHAPE.vocab, SHAPE.dim)
        self.blk = nn.ModuleList(Block() for _ in range(SHAPE.layers))
        self.output_norm = Norm()
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                ends = name.endswith(('attn_output.weight', 'ffn_down.weight'))
                nn.init.normal_(weight, 0, 0.02 / math.sqrt(2 * SHAPE.layers) if ends else 0.02)

    def forward(self, ids):
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x)
        return self.output_norm(x)

    def logits(self, x):
        return x @ self.token_embd.weight.t()


def own_tokenizer() -> tokenizer.Tokenizer:
    texts: list[str] = ['system\nuser\nassistant'] * 3 + data.SYSTEMS + data.OPENINGS
    for fact in data.FACTS + data.OUTSIDE:
        asked = [question for question in fact.questions if '{' not in question]
        texts += asked * 2 + [question.lower() for question in asked] + [fact.answer] * 3
        texts += fact.topics * 2
    texts += [f'a {word}' for words in data.LISTS.values() for word in words]
    return tokenizer.Tokenizer(*tokenizer.learn(texts, SHAPE.vocab))


def make_optimizers(model: Model) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for the embedding and the norms."""
    matrices = [weight for weight in model.blk.parameters() if weight.dim() == 2]
    others = [weight for weight in model.blk.parameters() if weight.dim() == 1]
    others += [model.token_embd.weight, model.output_norm.weight]
    return [
        torch.optim.Muon(matrices, weight_decay=0.05, adjust_lr_fn='match_rms_adamw'),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.05),
    ]


class Samples:
    """Conversations as token ids, cut into batches of about the same length."""

    def __init__(self, tokens: tokenizer.Tokenizer, seed: int):
        self.tokens = tokens
        self.rng = random.Random(seed)
        self.waiting: list[list[tuple[list[int], list[int]]]] = []

    def encode(self, messages) -> tuple[list[int], list[int]]:
        """The ids, and what to learn at each position: only the answers and their ends."""
        ids, wanted = [1], [IGNORED]
        for role, content in messages:
            head = [START, *self.tokens.encode(role + '\n')]
            body = [*self.tokens.encode(content), END]
            tail = self.tokens.encode('\n')
            ids += head + body + tail
            learned = body if role == 'assistant' else [IGNORED] * len(body)
            wanted += [IGNORED] * len(head) + learned + [IGNORED] * len(tail)
        return ids, wanted

    def filled(self, length: int):
        """A conversation with turns until it is `length` tokens long."""
        ids, wanted = self.encode(data.conversation(2, self.rng))
        while len(ids) < length:
            question, answer = data.ask(self.rng)
            more = self.encode([('user', question), ('assistant', answer)])
            ids, wanted = ids + more[0][1:], wanted + more[1][1:]
        return ids[:length], wanted[:length]

    def batch(self, step: int):
        if step % LONG_EVERY == 0:
            rows = [self.filled(SHAPE.context + 1) for _ in range(2)]
        elif step % MIDDLE_EVERY == 1:
            length = self.rng.randrange(200, 600)
            rows = [self.filled(length) for _ in range(BATCH_TOKENS // length)]
        else:
            rows = self.short()
        longest = max(len(ids) for ids, _ in rows)
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        wanted = torch.full((len(rows), longest), IGNORED)
        for number, row in enumerate(rows):
            ids[number, : len(row[0])] = torch.tensor(row[0])
            wanted[number, : len(row[1])] = torch.tensor(row[1])
        return ids[:, :-1], wanted[:, 1:]

    def row(self, turns: int):
        ids, wanted = self.encode(data.conversation(turns, self.rng))
        if turns == 1 and self.rng.random() < BEGINNINGS:
            # Which answer is right shows in its first tokens: more questions in the same time.
            end = next(at for at, id in enumerate(wanted) if id != IGNORED) + BEGINNING
            return ids[:end], wanted[:end]
        return ids, wanted

    def short(self):
        if not self.waiting:
            turns = [self.rng.choice([1, 1, 1, 1, 1, 2, 3]) for _ in range(256)]
            rows = [self.row(count) for count in turns]
            rows.sort(key=lambda row: len(row[0]))
            rows = [row for row in rows if len(row[0]) <= SHAPE.context]
            while rows:
                fit = max(1, BATCH_TOKENS // len(rows[-1][0]))
                self.waiting.append(rows[-fit:])
                rows = rows[:-fit]
            self.rng.shuffle(self.waiting)
        return self.waiting.pop()


def exact(model: Model, samples: Samples, asked: list[dict[str, str]]) -> float:
    """The share of answers that greedy decoding gives word for word."""
    right = 0
    with torch.no_grad():
        for item in asked:
            messages = [('user', item['question']), ('assistant', item['answer'])]
            ids, wanted = samples.encode(messages)
            best = model.logits(model(torch.tensor([ids[:-1]]))).argmax(-1)[0]
            target = torch.tensor(wanted[1:])
            right += bool((best[target != IGNORED] == target[target != IGNORED]).all())
    return right / len(asked)


def report(model: Model, samples: Samples, full: bool) -> str:
    asked = data.questions()
    trained = asked['trained'] if full else random.Random(1).sample(asked['trained'], 300)
    shares = [exact(model, samples, part) for part in (trained, asked['heldout'], asked['outside'])]
    return 'exact: trained {:.3f}, held out {:.3f}, outside {:.3f}'.format(*shares)


def wrong_facts(model: Model, samples: Samples) -> list[data.Fact]:
    """The facts that the model does not give word for word to each of their phrasings."""
    asked: dict[str, list[dict[str, str]]] = {}
    for item in data.questions()['trained']:
        asked.setdefault(item['key'], []).append(item)
    return [fact for fact in data.FACTS if exact(model, samples, asked[fact.key]) < 1]


def save_weights(model: Model, path: Path) -> None:
    with path.open('wb') as file:
        for name, weight in model.state_dict().items():
            label, values = name.encode(), weight.contiguous().numpy().tobytes()
            file.write(struct.pack('<III', len(label), weight.dim(), len(values)) + label)
            file.write(struct.pack(f'<{weight.dim()}I', *weight.shape) + values)


def say(text: str) -> None:
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def main(folder: Path, minutes: float, first: Path | None) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    vocab, ranks, weights = gguf_read.read(first) if first else (None, None, None)
    vocab_file, checkpoint_file = folder / 'tokenizer.json', folder / 'checkpoint.pt'
    if vocab_file.exists():
        saved = json.loads(vocab_file.read_text())
        tokens = tokenizer.Tokenizer(saved['vocab'], saved['ranks'])
    else:
        tokens = tokenizer.Tokenizer(vocab, ranks) if first else own_tokenizer()
        described = {'vocab': tokens.vocab, 'ranks': tokens.ranks, 'shape': asdict(SHAPE)}
        vocab_file.write_text(json.dumps(described))

    model = Model()
    if first:
        model.load_state_dict(weights)
        wrong = wrong_facts(model, Samples(tokens, seed=0))
        data.DRAWN += wrong * WRONG_MORE
        say(f'{first.name} has wrong: {" ".join(fact.key for fact in wrong)}')
    optimizers = make_optimizers(model)
    step, spent, seen, smooth = 0, 0.0, 0, 0.0
    if checkpoint_file.exists():
        saved = torch.load(checkpoint_file)
        model.load_state_dict(saved['model'])
        for optimizer, state in zip(optimizers, saved['optimizers']):
            optimizer.load_state_dict(state)
        step, spent, seen, smooth = saved['at']
    samples = Samples(tokens, seed=step)
    say(f'{sum(weight.numel() for weight in model.parameters())} parameters, from step {step}')

    began = time.process_time() - spent
    while spent < minutes * 60:
        rate = (GO_ON_RATE if first else PEAK_RATE) * min(1, (step + 1) / 100)
        rate *= 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * spent / (minutes * 60)))
        for optimizer, factor in zip(optimizers, (MATRIX_RATE, 1.0)):
            optimizer.param_groups[0]['lr'] = rate * factor
        ids, wanted = samples.batch(step)
        known = wanted != IGNORED
        loss = F.cross_entropy(model.logits(model(ids)[known]), wanted[known])
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step, seen = step + 1, seen + ids.numel()
        smooth = loss.item() if step == 1 else 0.98 * smooth + 0.02 * loss.item()
        spent = time.process_time() - began
        if step % 100 == 0:
            say(f'step {step} loss {smooth:.4f} rate {rate:.5f} tokens {seen} time {spent:.0f} s')
        if step % 250 == 0:
            state = {
                'model': model.state_dict(),
                'optimizers': [optimizer.state_dict() for optimizer in optimizers],
                'at': (step, spent, seen, smooth),
            }
            torch.save(state, checkpoint_file)
            save_weights(model, folder / 'weights.bin')
        if step % 1000 == 0:
            say(f'step {step} {report(model, samples, full=False)}')
            began = time.process_time() - spent
    save_weights(model, folder / 'weights.bin')
    say(f'done: {step} steps, {seen} tokens, {report(model, samples, full=True)}')


if __name__ == '__main__':
    folder, minutes, first = (*sys.argv[1:], None, None, None)[:3]
    main(Path(folder), float(minutes or 60), Path(first) if first else None)
