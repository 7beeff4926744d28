/* SPDX-License-Identifier: MIT */

#include "tools/event-text.h"

#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/event.h"
#include "util/macro.h"

/* A line being made. */
struct line {
	struct json *out;
	unsigned int files;		/* paths so far: the second one is the destination */
	unsigned int depth;		/* of brackets that are open */
	bool has_target;		/* copyfile: target_dir and target_name say nothing more */
	bool colours;
};

static void append(struct line *line, const char *text)
{
	json_raw(line->out, text, strlen(text));
}

__attribute__((format(printf, 2, 3)))
static void append_format(struct line *line, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	append(line, text);
}

/* --- what may be shown --- */

/* How many bytes the UTF-8 sequence has, and its code point; 0: there is none. Overlong ones and surrogates are none. */
static size_t decode_utf8(const unsigned char *data, size_t length, uint32_t *ret_point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t bytes = *data < 0x80 ? 1 : *data >> 5 == 6 ? 2 : *data >> 4 == 14 ? 3 : *data >> 3 == 30 ? 4 : 0;
	uint32_t point = bytes == 1 ? *data : *data & (0x7f >> bytes);

	if (!bytes || bytes > length)
		return 0;
	for (size_t i = 1; i < bytes; i++) {
		if (data[i] >> 6 != 2)
			return 0;
		point = point << 6 | (data[i] & 0x3f);
	}
	if (point < least[bytes] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
		return 0;
	*ret_point = point;
	return bytes;
}

/* False for control characters, and for invisible ones that change their neighbours. */
static bool is_shown(uint32_t point)
{
	static const struct { uint32_t first, last; } hidden[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
		{ 0xe000, 0xf8ff }, { 0xf0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (point >= hidden[i].first && point <= hidden[i].last)
			return false;
	return true;
}

static void escape_point(struct json *buffer, const unsigned char *data, size_t bytes, uint32_t point)
{
	char text[16];

	if (!bytes || point < 0x80)
		snprintf(text, sizeof(text), "\\x%02x", *data);
	else
		snprintf(text, sizeof(text), "\\u{%x}", point);
	json_raw(buffer, text, strlen(text));
}

void event_text_escape(struct json *buffer, const char *data, size_t length)
{
	const unsigned char *at = (const unsigned char *)data, *end = at + length;

	while (at < end) {
		uint32_t point = 0;
		size_t bytes = decode_utf8(at, (size_t)(end - at), &point);

		if (bytes && point == '\\')
			json_literal(buffer, "\\\\");
		else if (bytes && is_shown(point))
			json_raw(buffer, (const char *)at, bytes);
		else
			escape_point(buffer, at, bytes, point);
		at += bytes ? bytes : 1;
	}
}

/* Appends it in quotes if its end wouldn't be clear. */
static void append_word(struct line *line, es_string_token_t word)
{
	bool quoted = !word.length || memchr(word.data, ' ', word.length) || memchr(word.data, '"', word.length);

	if (quoted)
		append(line, "\"");
	for (const char *at = word.data, *end = at + word.length; at < end;) {
		const char *quote = memchr(at, '"', (size_t)(end - at)) ?: end;

		event_text_escape(line->out, at, (size_t)(quote - at));
		if (quote < end)
			append(line, "\\\"");
		at = quote + 1;
	}
	if (quoted)
		append(line, "\"");
}

/* --- columns --- */

/* Appends as many characters as the column is wide, without a space behind. A character is one code point. */
static void append_column(struct line *line, const char *data, size_t length, unsigned int width)
{
	size_t begin = line->out->length, characters = 0, keep;

	event_text_escape(line->out, data, length);
	if (line->out->failed)
		return;
	keep = begin;
	for (size_t at = begin; at < line->out->length; at++) {
		bool starts = ((unsigned char)line->out->data[at] & 0xc0) != 0x80;

		if (starts && characters == width - 1)
			keep = at;
		characters += starts;
	}
	if (characters > width) {
		line->out->length = keep;
		append(line, "+");
	}
	for (; characters < width; characters++)
		append(line, " ");
}

static void colour(struct line *line, const char *code)
{
	if (line->colours)
		append_format(line, "\033[%sm", code);
}

/* Names are looked up once: the library may have to ask another program, or the network. */
static const char *user_name(uid_t uid)
{
	static struct {
		bool known;
		uid_t uid;
		char name[33];
	} names[256], *entry;
	const struct passwd *user;

	entry = &names[uid % ARRAY_SIZE(names)];
	if (entry->known && entry->uid == uid)
		return entry->name;
	user = getpwuid(uid);
	entry->known = true;
	entry->uid = uid;
	if (user)
		snprintf(entry->name, sizeof(entry->name), "%.32s", user->pw_name);
	else
		snprintf(entry->name, sizeof(entry->name), "%u", uid);
	return entry->name;
}

static void append_time(struct line *line, struct timespec time)
{
	struct tm local;

	localtime_r(&time.tv_sec, &local);
	append_format(line, "%02d:%02d:%02d.%03ld ", local.tm_hour, local.tm_min, local.tm_sec, time.tv_nsec / 1000000);
}

/* --- units --- */

struct bit {
	uint32_t bit;
	const char *name;
};

static void append_bits(struct line *line, uint64_t value, const struct bit *bits, size_t count)
{
	const char *comma = "";

	for (size_t i = 0; i < count; i++) {
		if ((value & bits[i].bit) != bits[i].bit)
			continue;
		append_format(line, "%s%s", comma, bits[i].name);
		value &= ~(uint64_t)bits[i].bit;
		comma = ",";
	}
	if (!*comma)
		append(line, "none");
}

static void append_open_flags(struct line *line, uint64_t value)
{
	static const struct bit bits[] = { { FREAD | FWRITE, "read+write" }, { FREAD, "read" }, { FWRITE, "write" } };

	append_bits(line, value, bits, ARRAY_SIZE(bits));
}

static void append_protection(struct line *line, uint64_t value)
{
	static const struct bit bits[] = { { PROT_READ, "read" }, { PROT_WRITE, "write" }, { PROT_EXEC, "exec" } };

	append_bits(line, value, bits, ARRAY_SIZE(bits));
}

static void append_access(struct line *line, uint64_t value)
{
	static const struct bit bits[] = { { R_OK, "read" }, { W_OK, "write" }, { X_OK, "exec" } };

	append_bits(line, value, bits, ARRAY_SIZE(bits));
}

static void append_signal(struct line *line, int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		append_format(line, "SIG%s", name);
	else
		append_format(line, "%d", number);
}

static void append_status(struct line *line, int status)
{
	if (WIFSIGNALED(status))
		append_signal(line, WTERMSIG(status));
	else
		append_format(line, "%d", WEXITSTATUS(status));
}

static void append_number(struct line *line, uint64_t value, bool negative, enum event_unit unit)
{
	switch (unit) {
	case EVENT_STATUS:
		append_status(line, (int)value);
		break;
	case EVENT_SIGNAL:
		append_signal(line, (int)value);
		break;
	case EVENT_OPEN_FLAGS:
		append_open_flags(line, value);
		break;
	case EVENT_ACCESS:
		append_access(line, value);
		break;
	case EVENT_PROTECTION:
		append_protection(line, value);
		break;
	case EVENT_MODE:
		append_format(line, "%04jo", (uintmax_t)(value & 07777));
		break;
	case EVENT_USER:
		event_text_escape(line->out, user_name((uid_t)value), strlen(user_name((uid_t)value)));
		break;
	case EVENT_DEVICE:
		append_format(line, "%u:%u", major(value), minor(value));
		break;
	case EVENT_GROUP:
	case EVENT_PLAIN:
		append_format(line, negative ? "%jd" : "%ju", value);
		break;
	}
}

/* --- the visitor: files by their paths, the rest as name=value --- */

static bool is_key(struct event_key key, const char *name)
{
	return key.length == strlen(name) && !memcmp(key.name, name, key.length);
}

/* Members that are useless to people, or that repeat another one. */
static bool is_left_out(const struct line *line, struct event_key key)
{
	static const char *const names[] = {
		"destination_type", "parent_dir", "dyld_exec_path", "last_fd", "image_cputype", "image_cpusubtype",
		"max_protection", "has_uid", "has_from_uid", "has_to_uid", "argc", "env_count",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_key(key, names[i]))
			return true;
	return line->has_target && (is_key(key, "target_dir") || is_key(key, "target_name"));
}

static void append_key(struct line *line, struct event_key key)
{
	append(line, " ");
	if (!key.length)
		return;
	json_raw(line->out, key.name, key.length);
	append(line, "=");
}

/* The first path has no key, the second is marked as the destination; other paths have their keys. */
static void append_path_key(struct line *line, struct event_key key)
{
	if (is_key(key, "script") || is_key(key, "cwd") || is_key(key, "tty")) {
		append_key(line, key);
		return;
	}
	append(line, line->files++ ? " -> " : " ");
}

static void text_open(void *to, struct event_key key, char bracket)
{
	struct line *line = to;

	(void)key;
	(void)bracket;
	line->depth++;
}

static void text_close(void *to, char bracket)
{
	struct line *line = to;

	(void)bracket;
	line->depth--;
}

static void text_absent(void *to, struct event_key key)
{
	(void)to;
	(void)key;
}

static void text_boolean(void *to, struct event_key key, bool value)
{
	struct line *line = to;

	if (is_left_out(line, key))
		return;
	if (is_key(key, "success"))
		append(line, value ? " ok" : " FAILED");
	else if (value)
		append_format(line, " %.*s", (int)key.length, key.name);
}

static void text_natural(void *to, struct event_key key, uint64_t value, enum event_unit unit)
{
	struct line *line = to;

	if (is_left_out(line, key))
		return;
	append_key(line, key);
	append_number(line, value, false, unit);
}

static void text_integer(void *to, struct event_key key, int64_t value, enum event_unit unit)
{
	struct line *line = to;

	if (is_left_out(line, key))
		return;
	append_key(line, key);
	append_number(line, (uint64_t)value, true, unit);
}

/* A name follows its directory. */
static void text_string(void *to, struct event_key key, es_string_token_t value)
{
	struct line *line = to;

	if (is_left_out(line, key) || !value.data || (key.length && !value.length))
		return;
	if (is_key(key, "target_filename") || is_key(key, "target_name") || is_key(key, "filename")) {
		append(line, "/");
		event_text_escape(line->out, value.data, value.length);
		return;
	}
	append_key(line, key);
	append_word(line, value);
}

static void text_bytes(void *to, struct event_key key, const uint8_t *data, size_t length)
{
	struct line *line = to;

	append_key(line, key);
	for (size_t i = 0; i < length; i++)
		append_format(line, "%02x", data[i]);
}

static void text_time(void *to, struct event_key key, int64_t seconds, int64_t fraction, unsigned int digits)
{
	struct line *line = to;
	time_t time = seconds;
	struct tm local;
	char text[32];

	(void)fraction;
	(void)digits;
	append_key(line, key);
	if (localtime_r(&time, &local) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local))
		append(line, text);
}

static void text_file(void *to, struct event_key key, const es_file_t *file)
{
	struct line *line = to;

	if (is_left_out(line, key))
		return;
	if (is_key(key, "target_file"))
		line->has_target = true;
	append_path_key(line, key);
	append_word(line, file->path);
	if (file->path_truncated)
		append(line, "...");
}

/* The process acted upon. For an exec, it is the acting process itself, with its new program. */
static void text_process(void *to, struct event_key key, const es_process_t *process)
{
	struct line *line = to;

	append_path_key(line, key);
	append_word(line, process->executable->path);
	if (!is_key(key, "instigator"))
		append_format(line, "[%u]", process->audit_token.val[5]);
}

static void text_token(void *to, struct event_key key, const audit_token_t *token)
{
	(void)to;
	(void)key;
	(void)token;
}

static void append_field(struct line *line, const char *name, const char *value, size_t size)
{
	size_t length = strnlen(value, size);

	if (!length)
		return;
	append_key(line, (struct event_key){ name, strlen(name) });
	append_word(line, (es_string_token_t){ length, value });
}

static void text_statfs(void *to, struct event_key key, const struct es_statfs *statfs)
{
	struct line *line = to;

	(void)key;
	append(line, " ");
	append_word(line, (es_string_token_t){ strnlen(statfs->f_mntonname, sizeof(statfs->f_mntonname)),
					       statfs->f_mntonname });
	append_field(line, "from", statfs->f_mntfromname, sizeof(statfs->f_mntfromname));
	append_field(line, "type", statfs->f_fstypename, sizeof(statfs->f_fstypename));
}

static void text_new_path(void *to, const es_file_t *dir, es_string_token_t filename, const mode_t *mode)
{
	struct line *line = to;

	append(line, line->files++ ? " -> " : " ");
	event_text_escape(line->out, dir->path.data, dir->path.length);
	if (dir->path.length != 1)
		append(line, "/");
	event_text_escape(line->out, filename.data, filename.length);
	if (mode)
		append_format(line, " mode=%04o", *mode & 07777);
}

static const struct event_visitor text_visitor = {
	.open = text_open,
	.close = text_close,
	.absent = text_absent,
	.boolean = text_boolean,
	.natural = text_natural,
	.integer = text_integer,
	.string = text_string,
	.bytes = text_bytes,
	.time = text_time,
	.file = text_file,
	.process = text_process,
	.token = text_token,
	.statfs = text_statfs,
	.new_path = text_new_path,
	.brief = true,
};

/* --- the line --- */

static void append_columns(struct line *line, const struct event_text *text, const es_message_t *message)
{
	const char *name = event_name(message->event_type) ?: "?", *user = user_name(message->process->audit_token.val[1]);
	es_string_token_t path = message->process->executable->path;
	const char *slash = path.length ? memrchr(path.data, '/', path.length) : NULL;
	const char *program = slash ? slash + 1 : path.data;

	colour(line, "2");
	append_time(line, message->time);
	colour(line, "0;36");
	append_column(line, name, strlen(name), text->event_width);
	colour(line, "0");
	append_format(line, " %7d ", (int)message->process->audit_token.val[5]);
	append_column(line, user, strlen(user), 8);
	append(line, " ");
	colour(line, "1");
	append_column(line, program, path.length - (size_t)(program - path.data), 15);
	colour(line, "0");
}

void event_text_message(const struct event_text *text, struct json *buffer, const es_message_t *message)
{
	struct line line = { .out = buffer, .colours = text->colours };

	append_columns(&line, text, message);
	if (event_is_denied(message)) {
		colour(&line, "1;31");
		append(&line, " DENIED");
		colour(&line, "0");
	}
	event_visit_payload(&text_visitor, &line, message);
	append(&line, "\n");
}
