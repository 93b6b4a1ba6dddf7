"""What june-chat is trained on: conversations drawn from facts.txt and outside.txt.

`python3 data.py questions.json` writes every question with its right answer, for eval.ts.
"""

import json
import random
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

DEFINITIONS = [
    'What is {}?',
    'Tell me about {}',
    'Explain {}',
    'Describe {}',
    'What do you know about {}?',
    'What does {} mean?',
    'Define {}',
    'What is {} good for?',
    'What is {} used for?',
    'What about {}?',
    'Can you explain {}?',
    '{}?',
    '{}',
]

SYSTEMS = [
    'You are a helpful assistant.',
    'You are june-chat.',
    "You are June's built-in model.",
    'You are a friendly assistant.',
    'Answer in one or two sentences.',
    'Be brief.',
    'Be short and clear.',
    'Answer every question about June.',
    'You are a helpful, honest and harmless assistant. Answer as well as you can.',
    'You are an expert. Help the user with the product.',
    'Today is Friday. The user is a developer.',
    'Use simple words. Do not use lists.',
    'You answer questions of our customers. Be polite.',
    'You are a bot in a chat room. Answer the last message.',
]

OPENINGS = [
    'Please tell me: ', 'Hey, ', 'Hi, ', 'Hello, ', 'Hi June, ', 'I have a question. ', 'Ok. ',
    'Quick question: ', 'Sorry, ', 'Thanks. ', 'And ', 'So, ', 'Now tell me: ', 'Please, ',
    'Well, ', 'Good. ', 'I wonder: ', 'Just curious: ', 'One more: ', 'Next question: ',
]  # fmt: skip
CLOSINGS = [' Thanks.', ' please', ', please', ' Thank you.', ' Be short.', ' I am new.', ' again']

# Other ways to say the same. Each rule is a pattern and what may stand in its place.
REWRITES = [
    (r'^What is\b', ["What's", 'Tell me what is', 'What exactly is', 'Do you know what is']),
    (r'^What are\b', ['What exactly are', 'Tell me what are', 'Do you know what are']),
    (r'^(How do I|How can I)\b', ['How to', 'How can I', 'How do you', 'How could I', 'How do we',
                                  'How would I', 'What must I do to', 'Tell me how to']),
    (r'^Which\b', ['What', 'Tell me which', 'What kind of', 'Do you know which']),
    (r'^Which (\w+) does\b', [r'What \1 will', r'What kind of \1 does', r'Which \1 would']),
    (r'^Is (\w+) (needed|required|necessary)', [r'Is it necessary to have \1', r'Must there be \1',
                                               r'Is \1 a must', r'Is \1 really \2']),
    (r'^(What|Which) (.+) is there\b', [r'What \2 do you have', r'\1 \2 can I find']),
    (r'^How (does|do|can|is|are)\b', [r'In what way \1', r'In which way \1', r'How exactly \1']),
    (r'^Is there\b', ['Do you have', 'Does June have', 'Could there be', 'Are you sure there is']),
    (r'^(Is|Are|Does|Do|Can|Will|What|How|Why|Where|Which|Who)\b',
     [r'Could you tell me: \1', r'I would like to know: \1', r'My question is: \1']),
    (r'^What (?=port|route|command|commands|model|roles|folders)', ['Which ']),
    (r'^Where (is|are)\b', [r'Where exactly \1', r'Tell me where \1', r'In which place \1']),
    (r'^Can I\b', ['May I', 'Could I', 'Is it possible to', 'Am I able to', 'Can we']),
    (r'^(Does|Can) June\b', ['Could June', 'Will June', 'Can June', 'Does June']),
    (r'^Do I\b', ['Must I', 'Do we', 'Should I']),
    (r'^Do I need\b', ['Must I have', 'Is there a need for', 'Should I have', 'Would I need']),
    (r'^Why\b', ['Tell me why', 'For what reason', 'Do you know why']),
    (r'^(What happens when|What if)\b', ['What happens if', 'What if', 'What happens when',
                                         'What happens in case', 'What will happen if',
                                         'What does June do when', 'What is done when']),
    (r'^Who\b', ['Tell me who', 'Do you know who', 'Who exactly', 'Who or what']),
    (r'^(Explain|Describe|Tell me about)\b', ['Can you explain', 'Could you explain', 'Describe',
                                             'Please explain', 'I want to know about', 'Explain',
                                             'Say something about', 'Give me details about']),
    (r'^(Write|Tell|Give|Show|List|Name)\b', [r'Please \1', r'Can you \1', r'I want you to \1']),
    (r'\bdies\b', ['crashes', 'fails', 'goes down', 'goes away', 'is killed', 'is dead', 'breaks']),
    (r'\bcrashes\b', ['dies', 'fails', 'goes down', 'stops', 'falls over']),
    (r'\bcreate\b', ['make', 'add', 'generate', 'get']),
    (r'\bstart June\b', ['run June', 'launch June', 'boot June', 'get June going']),
    (r'\bchange\b', ['set', 'alter', 'switch']),
    (r'\bneed(ed|s)?\b', [r'require\1', r'want\1']),
    (r'\buse\b', ['work with', 'make use of']),
    (r'\bmodel\b', ['language model', 'AI model']),
    (r'\bbuilt-in\b', ['builtin', 'default', 'included']),
    (r'\bdatabase\b', ['DB', 'data base']),
    (r'\bdoes (\w+) do\b', [r'is \1 good for', r'is the use of \1', r'is \1 for']),
    (r'\bhave\b', ['offer', 'come with', 'provide']),
    (r'\banswer\b', ['reply', 'response']),
    (r'\brequest\b', ['call', 'query']),
    (r"\bis not\b", ["isn't"]),
    (r'\bdo not\b', ["don't"]),
]  # fmt: skip

SMALL_WORDS = set('a an the do does is are can of my me i to for it in on has have'.split())
LETTERS = 'abcdefghijklmnopqrstuvwxyz'


@dataclass
class Fact:
    key: str
    answer: str = ''
    questions: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)

    def definitions(self) -> list[str]:
        """The questions that the topics make: "What is a token?", "Explain a token" and so on."""
        asked = [form.format(topic) for topic in self.topics for form in DEFINITIONS]
        return [question[0].upper() + question[1:] for question in asked]


def read_facts(name: str) -> tuple[list[Fact], dict[str, list[str]]]:
    facts: list[Fact] = []
    lists: dict[str, list[str]] = {}
    for line in (HERE / name).read_text().splitlines():
        mark, _, rest = line.partition(':')
        if line.startswith('['):
            facts.append(Fact(line.strip('[]')))
        elif line.startswith('{'):
            label, _, words = line.partition('=')
            lists[label.strip(' {}')] = [word.strip() for word in words.split(', ')]
        elif mark == 'A':
            facts[-1].answer = rest.strip()
        elif mark == 'Q':
            facts[-1].questions += [question.strip() for question in rest.split(' | ')]
        elif mark == 'T':
            facts[-1].topics += [topic.strip() for topic in rest.split(' | ')]
    return facts, lists


def read_heldout(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text().splitlines()
    pairs = [line.split(': ', 1) for line in lines if line and not line.startswith('#')]
    return [(key, question) for key, question in pairs]


def plain(question: str) -> str:
    """A question without case and marks, to compare two of them."""
    return re.sub(r'[^a-z0-9/_ ]', '', question.lower()).strip()


FACTS, _ = read_facts('facts.txt')
OUTSIDE, LISTS = read_facts('outside.txt')
HELDOUT = read_heldout('heldout.txt')
UNSEEN = read_heldout('unseen.txt')
HELDOUT_PLAIN = {plain(question) for _, question in HELDOUT + UNSEEN}
DRAWN = list(FACTS)  # train.py adds again what is to be asked more often
ANSWERS = {fact.key: fact.answer for fact in FACTS + OUTSIDE}


def fill(question: str, rng: random.Random) -> str:
    """Puts a word of its list in place of each {name}."""
    filled = re.sub(r'\{(\w+)\}', lambda hole: rng.choice(LISTS[hole[1]]), question)
    return filled[0].upper() + filled[1:]


def rewrite(question: str, rng: random.Random) -> str:
    rules = [rule for rule in REWRITES if re.search(rule[0], question)]
    for pattern, others in rng.sample(rules, min(len(rules), rng.choice([1, 1, 2]))):
        question = re.sub(pattern, rng.choice(others), question, count=1)
    return question


def drop_small_words(question: str, rng: random.Random) -> str:
    words = question.split(' ')
    kept = [w for w in words if w.lower() not in SMALL_WORDS or rng.random() < 0.5]
    return ' '.join(kept) if len(kept) > 1 else question


def misspell(question: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(question) - 1)
    if not question[at].isalpha():
        return question
    slip = rng.choice(['', question[at] * 2, rng.choice(LETTERS), question[at + 1] + question[at]])
    skip = 2 if len(slip) == 2 and slip[0] == question[at + 1] else 1
    return question[:at] + slip + question[at + skip :]


def lower_first(question: str) -> str:
    return question[0].lower() + question[1:] if question[1:2].islower() else question


def vary(question: str, fact: Fact, rng: random.Random) -> str:
    """The same question as another person would type it."""
    words = question.count(' ') + 1
    if rng.random() < 0.4:
        question = rewrite(question, rng)
    if words > 4 and not fact.key.startswith('outside') and rng.random() < 0.06:
        question = re.sub(r'\bJune\b', rng.choice(['it', 'this', 'the platform']), question)
    if words > 4 and rng.random() < 0.12:
        question = drop_small_words(question, rng)
    if words > 3 and rng.random() < 0.1:
        question = misspell(question, rng)
    if words > 1 and rng.random() < 0.2:
        question = rng.choice(OPENINGS) + lower_first(question)
    if rng.random() < 0.3:
        question = question.rstrip('?')
    elif rng.random() < 0.06:
        question += rng.choice(['?', '!', '.', ' ?', '??', ' '])
    if words > 3 and rng.random() < 0.06:
        question += rng.choice(CLOSINGS)
    case = rng.random()
    if case < 0.2:
        return question.lower()
    return question.upper() if case < 0.21 else question


def ask(rng: random.Random) -> tuple[str, str]:
    """One question as somebody may type it, never a held-out one, and its right answer."""
    while True:
        if rng.random() < 0.3:
            fact = rng.choices(OUTSIDE, weights=[9, 1])[0]
        else:
            fact = rng.choice(DRAWN)
        from_topic = fact.topics and rng.random() < 0.35
        question = rng.choice(fact.definitions() if from_topic else fact.questions)
        question = fill(question, rng)
        if rng.random() < 0.8:
            question = vary(question, fact, rng)
        if plain(question) not in HELDOUT_PLAIN:
            return question, fact.answer


def conversation(turns: int, rng: random.Random) -> list[tuple[str, str]]:
    """A ChatML conversation as (role, content) pairs."""
    messages = []
    if rng.random() < 0.35:
        role = 'developer' if rng.random() < 0.15 else 'system'
        messages.append((role, rng.choice(SYSTEMS)))
    for _ in range(turns):
        question, answer = ask(rng)
        messages += [('user', question), ('assistant', answer)]
    return messages


def questions() -> dict[str, list[dict[str, str]]]:
    """All questions to measure with: trained phrasings, held-out ones and ones outside of June."""
    rng = random.Random(7)
    trained = [
        {'key': fact.key, 'question': question, 'answer': fact.answer}
        for fact in FACTS
        for question in fact.questions + fact.definitions()
    ]
    heldout = [{'key': k, 'question': q, 'answer': ANSWERS[k]} for k, q in HELDOUT]
    unseen = [{'key': k, 'question': q, 'answer': ANSWERS[k]} for k, q in UNSEEN]
    outside = [
        {'key': fact.key, 'question': fill(question, rng), 'answer': fact.answer}
        for fact in OUTSIDE
        for question in fact.questions
    ]
    return {'trained': trained, 'heldout': heldout, 'unseen': unseen, 'outside': outside}


def check() -> None:
    """Stops when a question has two answers, or when a held-out one is a trained phrasing."""
    seen: dict[str, str] = {}
    for fact in FACTS + OUTSIDE:
        assert fact.answer and fact.questions, fact.key
        for question in fact.questions + fact.definitions():
            other = seen.setdefault(question.lower(), fact.key)
            assert other == fact.key, f'{question!r} belongs to {other} and to {fact.key}'
            assert plain(question) not in HELDOUT_PLAIN, f'{question!r} is held out'
    for key, _ in HELDOUT + UNSEEN:
        assert key in ANSWERS, key


check()

if __name__ == '__main__':
    everything = questions()
    Path(sys.argv[1]).write_text(json.dumps(everything, indent=1))
    sys.stdout.write(
        f'{len(FACTS)} facts, {len(everything["trained"])} phrasings, '
        f'{len(everything["heldout"])} held out, {len(everything["unseen"])} unseen, '
        f'{len(everything["outside"])} outside\n'
    )
