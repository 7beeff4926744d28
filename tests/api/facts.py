# SPDX-License-Identifier: MIT
"""
What is known of the API (facts/), the same read from our headers, and the two compared.

facts/ is data about macOS's headers, typed once:
	events.tsv	every event type: number, kind, payload, kind of answer
	structs.h	every type but es_event_type_t, which is made from events.tsv
	functions.tsv	every function: its header and declaration
	layout.tsv	offsets and sizes on 64-bit machines
	counts.tsv	how many there are of each, to notice a loss here
"""

import re
from pathlib import Path

HEADERS = ('ESTypes.h', 'ESMessageCore.h', 'ESMessage.h', 'ESClient.h')

# Darwin's struct statfs is known by another name here, as libc has one of its own.
LINUX_NAMES = {'struct statfs': 'struct es_statfs'}


class Enum:
	def __init__(self, constants):
		self.constants = constants	# [(name, number)]


class Alias:
	def __init__(self, type):
		self.type = type


class Record:
	def __init__(self, kind, body):
		self.kind = kind	# 'struct' or 'union'
		self.body = body	# fields, and records within

	def leaves(self, prefix=''):
		"""(path, type) of each field, as C names them: those of an unnamed record belong to the one around it"""
		for field in self.body:
			if isinstance(field, Nested):
				yield from field.leaves(prefix + (field.name + '.' if field.name else ''))
			else:
				yield prefix + field.name, field.type

	def lines(self, prefix=''):
		"""All there is to compare, a line each"""
		for field in self.body:
			if isinstance(field, Nested):
				yield f'{prefix}{field.kind} {field.name} {{'
				yield from field.lines(prefix + '  ')
				yield f'{prefix}}}'
			else:
				yield f'{prefix}{field.type} {field.name} {field.nullable} {field.version}'


class Nested(Record):
	def __init__(self, kind, body, name):
		super().__init__(kind, body)
		self.name = name	# '' if unnamed


class Field:
	def __init__(self, type, name, nullable, version):
		self.type, self.name, self.nullable, self.version = type, name, nullable, version


def bare(text):
	"""Without comments, directives and nullability"""
	text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
	text = re.sub(r'^\s*#.*(?:\\\n.*)*$', '', text, flags=re.M)
	return re.sub(r'\b_(?:Nonnull|Nullable)\b', '', text)


def spaced(text):
	"""A type or declaration with its blanks in fixed places"""
	text = re.sub(r'\s*([*,()\[\]^])\s*', r'\1', ' '.join(text.split()))
	for theirs, ours in LINUX_NAMES.items():
		text = re.sub(rf'\b{theirs}\b', ours, text)
	return text


TOKEN = re.compile(r'(?P<comment>/\*.*?\*/)|(?P<word>\w+)|(?P<mark>[^\s\w])', re.S)


def tokens(text):
	"""Words and marks; a comment with a version mark becomes ('version', N, whether it stands before its field)"""
	out = []
	for m in TOKEN.finditer(text):
		if m['comment']:
			v = re.match(r'/\*\s*(?:\*\s*)?v(\d+)\b', m['comment'])
			if v:
				line = text[text.rfind('\n', 0, m.start()) + 1:m.start()]
				out.append(('version', int(v[1]), not line.strip()))
		else:
			out.append(m[0])
	return out


def parse_body(t):
	"""Fields up to the closing brace, which is eaten"""
	body, early = [], None
	while True:
		tok = t.pop(0)
		if tok == '}':
			return body
		if isinstance(tok, tuple):
			if tok[2]:
				early = tok[1]
			else:
				body[-1].version = tok[1]
			continue
		if tok in ('struct', 'union') and t[0] == '{':
			t.pop(0)
			inner = parse_body(t)
			name = '' if t[0] == ';' else t.pop(0)
			if t.pop(0) != ';':
				raise ValueError(f'after {name}: ";" is missing')
			body.append(Nested(tok, inner, name))
			continue
		words = [tok]
		while t[0] != ';':
			words.append(t.pop(0))
		t.pop(0)
		array = ''
		if words[-1] == ']':
			i = words.index('[')
			words, array = words[:i], ''.join(words[i:])
		nullable = [w for w in words if w in ('_Nullable', '_Nonnull')]
		words = [w for w in words if w not in nullable]
		name = words.pop()
		if '*' in words and not nullable:
			nullable = ['_Nonnull']	# what facts/ leave out
		if words == ['acl_t']:
			nullable = nullable or ['_Nonnull']
		body.append(Field(spaced(' '.join(words)) + array, name, ' '.join(nullable), early))
		early = None


def parse_types(text):
	"""{name: Enum, Record or Alias}, in order, from the text of a header; functions and blocks are passed over"""
	types = {}
	text = re.sub(r'^\s*#.*$', '', text, flags=re.M)
	for m in re.finditer(r'^typedef\b(?![^;{]*\^)(?![^;{]*\(\*)', text, re.M):
		t = tokens(text[m.end():m.end() + 40000])
		if t[0] == 'enum' and t[1] == '{':
			end = t.index('}')
			constants = re.findall(r'(\w+)\s*=\s*(\w+)', ' '.join(w for w in t[2:end] if isinstance(w, str)))
			types[t[end + 1]] = Enum([(name, int(number, 0)) for name, number in constants])
		elif t[0] in ('struct', 'union') and t[1] == '{':
			kind, rest = t[0], t[2:]
			body = parse_body(rest)
			types[rest[0]] = Record(kind, body)
		else:
			words = t[:t.index(';')]
			array = ''
			if words[-1] == ']':
				i = words.index('[')
				words, array = words[:i], ''.join(words[i:])
			name = words.pop()
			types[name] = Alias(spaced(' '.join(words)) + array)
	return types


def parse_functions(text):
	"""{name: declaration} of all that is exported"""
	text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
	text = re.sub(r'^\s*#.*$', '', text, flags=re.M)
	out = {}
	for m in re.finditer(r'\bOS_EXPORT\s+([^;]*?\b(es_\w+)\s*\([^;]*);', text):
		out[m[2]] = spaced(m[1])
	return out


class Facts:
	def __init__(self, folder=Path(__file__).parent / 'facts', change=None):
		"""@change: (file, old, new) to be wrong about one thing"""
		self.text = {p.name: p.read_text() for p in Path(folder).iterdir() if p.is_file()}
		if change:
			file, old, new = change
			if self.text[file].count(old) != 1:
				raise ValueError(f'{file}: not there exactly once: {old!r}')
			self.text[file] = self.text[file].replace(old, new)

		table = self.text['events.tsv'].splitlines()
		columns = table[0].lstrip('#').split('\t')
		self.events = [dict(zip(columns, row.split('\t'))) for row in table[1:]]
		self.functions = {row[0]: row[1:] for row in self.rows('functions.tsv')}
		self.layout = self.rows('layout.tsv')
		self.counts = {what: int(n) for what, n in self.rows('counts.tsv')}
		self.types = parse_types(self.declarations())

	def rows(self, file):
		return [l.split('\t') for l in self.text[file].splitlines() if not l.startswith('#')]

	def declarations(self):
		"""structs.h and, before it, es_event_type_t"""
		constants = [f'\t{e["constant"]} = {e["value"]},' for e in self.events]
		constants.append(f'\tES_EVENT_TYPE_LAST = {self.counts["events"]}')
		return '\n'.join(['typedef enum {', *constants, '} es_event_type_t;', '', self.text['structs.h']])

	def signatures(self):
		"""(name, declaration, whether it is a block type)"""
		for name, row in self.functions.items():
			yield name, row[-1], row[-1].startswith('typedef')

	def payloads(self):
		"""{member of es_events_t: (payload, by pointer?)}"""
		return {e['union_member']: (e['payload_struct'], e['member_form'] == 'pointer')
			for e in self.events if e['union_member'] != 'undocumented'}


ASSERTIONS = '''\
/* Made from facts/ by facts.py. The facts' own types have a "fact_" before their names. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <stddef.h>

#pragma GCC diagnostic ignored "-Wpedantic"

#ifdef __cplusplus
#include <type_traits>
#define SAME(a, ...) std::is_same<a, __VA_ARGS__>::value
#define MEMBER(record, path) decltype(((record *)0)->path)
#define FUNCTION(name) decltype(name)
#define CONSTANT(name, number, type) \\
	static_assert(name == number, #name " is not " #number); \\
	static_assert(std::is_same<decltype(name), type>::value, #name " is of another type")
#define CHECK(what, says) static_assert(what, says)
#else
#define SAME(a, ...) __builtin_types_compatible_p(a, __VA_ARGS__)
#define MEMBER(record, path) __typeof__(((record *)0)->path)
#define FUNCTION(name) __typeof__(name)
#define CONSTANT(name, number, type) _Static_assert(name == number, #name " is not " #number)
#define CHECK(what, says) _Static_assert(what, says)
#endif
'''


def assertions(facts):
	"""C and C++ source that compiles if the headers agree with the facts"""
	def renamed(text):
		return re.sub(r'\b(es_\w+_t|ES_[A-Z]\w+)\b', r'fact_\1', text)

	out = [ASSERTIONS]
	declarations = facts.declarations()
	for theirs, ours in LINUX_NAMES.items():
		declarations = re.sub(rf'\b{theirs}\b', ours, declarations)
	out.append(re.sub(r'\b_(?:Nonnull|Nullable)\b', '', renamed(declarations)))

	for name, type in facts.types.items():
		if isinstance(type, Enum):
			out += [f'CONSTANT({k}, {n}, {name});' for k, n in type.constants]
		if isinstance(type, Alias) and not type.type.startswith('struct es_client_s'):
			out.append(f'CHECK(SAME({name}, {type.type}), "{name} is another type");')
		if isinstance(type, Record):
			for path, t in type.leaves():
				out.append(f'CHECK(SAME(MEMBER({name}, {path}), {t}), "{name}.{path} is of another type");')
				out.append(f'CHECK(offsetof({name}, {path}) == offsetof(fact_{name}, {path}), '
					   f'"{name}.{path} is at another place");')
		if not isinstance(type, Alias):
			out.append(f'CHECK(sizeof({name}) == sizeof(fact_{name}), "{name} is of another size");')

	for member, (payload, pointer) in facts.payloads().items():
		out.append(f'CHECK(SAME(MEMBER(es_events_t, {member}), {payload}{" *" if pointer else ""}), '
			   f'"es_events_t.{member} is of another type");')

	out.append('#if __SIZEOF_POINTER__ == 8')
	for name, member, value in facts.layout:
		name = spaced(name)
		what, says = (f'sizeof({name})', name) if member == '-' else (f'offsetof({name}, {member})', f'{name}.{member}')
		out.append(f'CHECK({what} == {value}, "{says}: not {value}");')
	out.append('#endif')

	for name, declaration, block in facts.signatures():
		declaration = bare(declaration)
		if block or '^' in declaration or 'es_handler_block_t' in declaration:
			out.append('#ifdef __BLOCKS__')
		if block:
			out.append(re.sub(rf'\b{name}\b', f'fact_{name}', declaration))
			out.append(f'CHECK(SAME({name}, fact_{name}), "{name} is another type");')
		else:
			out.append('typedef ' + re.sub(rf'\b{name}\b', f'fact_{name}', declaration, count=1))
			out.append(f'CHECK(SAME(FUNCTION({name}), fact_{name}), "{name}() is of another type");')
		if out[-3] == '#ifdef __BLOCKS__':
			out.append('#endif')
	return '\n'.join(out) + '\n'


def comments(text):
	"""{name: the comment that stands before its declaration}; functions with no blank line between them share one"""
	out, end, comment = {}, 0, ''
	for m in re.finditer(r'^(?:typedef|OS_EXPORT)\b', text, re.M):
		if m.start() < end:
			continue
		before = text[end:m.start()]
		found = re.search(r'(/\*(?:(?!\*/).)*\*/)\n(?:#ifdef __BLOCKS__\n)?\Z', before, re.S)
		comment = found[1] if found else comment if before == '\n' else ''

		depth = 0
		for t in re.finditer(r'/\*.*?\*/|[{};]', text[m.start():], re.S):
			depth += (t[0] == '{') - (t[0] == '}')
			if t[0] == ';' and not depth:
				break
		end = m.start() + t.end()
		declaration = bare(text[m.start():end])
		name = re.search(r'\b(es_\w+)\s*\(|\^(\w+)\)|(\w+)\s*(?:\[\w*\])?;\Z', declaration)
		out[name[1] or name[2] or name[3]] = comment
	return out


def differences(facts, include):
	"""What the headers have that the facts have not, and the other way round; a line each"""
	texts = {h: (Path(include) / 'EndpointSecurity' / h).read_text() for h in HEADERS}
	everything = '\n'.join(texts.values())
	ours, theirs = parse_types(everything), facts.types
	out = []

	for name in [*theirs, *(n for n in ours if n not in theirs)]:
		a, b = theirs.get(name), ours.get(name)
		if a is None or b is None:
			out.append(f'{name}: only in the {"headers" if a is None else "facts"}')
		elif type(a) is not type(b):
			out.append(f'{name}: {type(a).__name__} in the facts, {type(b).__name__} in the headers')
		elif isinstance(a, Enum) and a.constants != b.constants:
			out.append(f'{name}: other constants: {set(a.constants) ^ set(b.constants) or "order"}')
		elif isinstance(a, Alias) and a.type != b.type:
			out.append(f'{name}: {a.type} in the facts, {b.type} in the headers')
		elif isinstance(a, Record) and (a.kind, [*a.lines()]) != (b.kind, [*b.lines()]):
			out.append(f'{name}: other members: {set(a.lines()) ^ set(b.lines()) or "order"}')

	for name, (header, *_, declaration) in facts.functions.items():
		found = parse_functions(texts[header]).get(name)
		if declaration.startswith('typedef'):
			if spaced(declaration) not in spaced(re.sub(r'/\*.*?\*/', '', texts[header], flags=re.S)):
				out.append(f'{name}: not in {header} as the facts have it')
		elif found != spaced(declaration).rstrip(';'):
			out.append(f'{name}: {found} in {header}, {spaced(declaration)} in the facts')
	for name in parse_functions(everything):
		if name not in facts.functions:
			out.append(f'{name}: only in the headers')

	members = {path: t for path, t in theirs['es_events_t'].leaves()}
	payloads = facts.payloads()
	functions = [n for n, d, block in facts.signatures() if not block]
	have = {
		'enums': sum(isinstance(t, Enum) for t in ours.values()),
		'records': sum(isinstance(t, Record) for t in ours.values()),
		'aliases': sum(isinstance(t, Alias) for t in ours.values()),
		'payloads': len(payloads),
		'inline payloads': sum('*' not in t for t in members.values()),
		'pointer payloads': sum('*' in t for t in members.values()),
		'events': len(facts.events),
		'functions': len(functions),
	}
	for what, n in facts.counts.items():
		if have[what] != n:
			out.append(f'{what}: {have[what]}, should be {n}')
	if set(members) != set(payloads):
		out.append(f'es_events_t and events.tsv: {set(members) ^ set(payloads)}')

	# What a reader is owed: a comment each, and at a payload how to answer.
	said = comments(everything)
	for name in [*ours, *facts.functions]:
		if not said.get(name):
			out.append(f'{name}: no comment')
	for event in facts.events:
		if event['union_member'] == 'undocumented':
			continue
		comment = said.get(event['payload_struct'], '')
		answer = {'result': 'es_respond_auth_result() before the deadline',
			  'flags': 'es_respond_flags_result() before the deadline'}.get(event['auth_response'])
		if answer and answer not in comment:
			out.append(f'{event["payload_struct"]}: the comment does not say how to answer {event["constant"]}')
		if 'When:' not in comment or 'Answer:' not in comment:
			out.append(f'{event["payload_struct"]}: the comment does not say when it happens, or how it is answered')
	return out
