/* SPDX-License-Identifier: MIT */
/*
 * os_log's format strings are printf's, with an annotation in braces after the percent sign, and %P for bytes of memory.
 * This parses each directive, and passes printf one at a time, rebuilt from its parts. %n writes nothing. An unknown
 * directive ends the line, since the type of its argument isn't known.
 */
#include "compat/log.h"

#include <stdio.h>
#include <wchar.h>

struct out {
	char *at;
	size_t room;			/* with the NUL */
};

struct directive {
	char annotation[64];
	char flags[8];
	int width, precision;		/* -1: none */
	char length[3];			/* h hh l ll j z t L */
	char conversion;
};

/* Holds a va_list, to pass it by reference: by itself it can't be, since on some machines it is an array. */
struct arguments {
	va_list list;
	int error;
};

__attribute__((format(printf, 2, 3))) static void print(struct out *out, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(out->at, out->room, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	n = (size_t)n < out->room ? n : (int)out->room - 1;
	out->at += n;
	out->room -= (size_t)n;
}

static bool annotated(const struct directive *d, const char *word)
{
	const char *at = d->annotation;
	size_t length = strlen(word);

	for (; *at; at += strcspn(at, ", "), at += strspn(at, ", "))
		if (strncmp(at, word, length) == 0 && strchr(", ", at[length]))
			return true;
	return false;
}

static const char *parse_number(const char *at, int *ret, struct arguments *arguments)
{
	if (*at == '*') {
		*ret = va_arg(arguments->list, int);
		return at + 1;
	}
	for (*ret = 0; *at >= '0' && *at <= '9'; at++)
		if (*ret < 10000)
			*ret = *ret * 10 + *at - '0';
	return at;
}

/* Parses a directive from after its percent sign. Returns its end, or NULL if it isn't one. */
static const char *parse(struct directive *d, const char *at, struct arguments *arguments)
{
	const char *end;
	size_t n;

	*d = (struct directive){ .width = -1, .precision = -1 };
	if (*at == '{') {
		end = strchr(at, '}');
		if (!end)
			return NULL;
		strlcpy(d->annotation, at + 1, (size_t)(end - at) < sizeof(d->annotation) ? (size_t)(end - at)
											  : sizeof(d->annotation));
		at = end + 1;
	}
	n = strspn(at, "-+ #0'");
	strlcpy(d->flags, at, n + 1 < sizeof(d->flags) ? n + 1 : sizeof(d->flags));
	at += n;
	if (*at == '*' || (*at >= '0' && *at <= '9'))
		at = parse_number(at, &d->width, arguments);
	if (*at == '.')
		at = parse_number(at + 1, &d->precision, arguments);
	n = strspn(at, "hlqjztL");
	strlcpy(d->length, at, n + 1 < sizeof(d->length) ? n + 1 : sizeof(d->length));
	at += n;
	d->conversion = *at;
	return *at ? at + 1 : NULL;
}

/* Rebuilds the directive for printf, with `type` in place of its length. */
static const char *spell(const struct directive *d, const char *type, char text[64])
{
	char width[16] = "", precision[16] = "";

	if (d->width >= 0)
		snprintf(width, sizeof(width), "%d", d->width);
	if (d->precision >= 0)
		snprintf(precision, sizeof(precision), ".%d", d->precision);
	snprintf(text, 64, "%%%s%s%s%s%c", d->flags, width, precision, type, d->conversion);
	return text;
}

static long long take_integer(const struct directive *d, struct arguments *arguments)
{
	bool is_signed = d->conversion == 'd' || d->conversion == 'i' || d->conversion == 'D';

	switch (d->length[0]) {
	case 'l':
		if (d->length[1] == 'l')
			return va_arg(arguments->list, long long);
		return va_arg(arguments->list, long);
	case 'q':
	case 'j':
	case 'z':
	case 't':
		return va_arg(arguments->list, long long);
	case 'h':
		if (d->length[1] == 'h')
			return is_signed ? (signed char)va_arg(arguments->list, int)
					 : (unsigned char)va_arg(arguments->list, int);
		return is_signed ? (short)va_arg(arguments->list, int) : (unsigned short)va_arg(arguments->list, int);
	default:
		return is_signed ? va_arg(arguments->list, int) : (long long)va_arg(arguments->list, unsigned int);
	}
}

static void print_time(struct out *out, long long value)
{
	time_t seconds = (time_t)value;
	char text[64];
	struct tm tm;

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%F %T%z", &tm))
		print(out, "%s", text);
	else
		print(out, "%lld", value);
}

/* spell() makes the format from d's flags and numbers and one conversion of the value's type, so it is safe. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void print_integer(struct out *out, const struct directive *d, struct arguments *arguments)
{
	long long value = take_integer(d, arguments);
	char text[64];

	if (annotated(d, "bool"))
		print(out, "%s", value ? "true" : "false");
	else if (annotated(d, "BOOL"))
		print(out, "%s", value ? "YES" : "NO");
	else if (annotated(d, "errno") || annotated(d, "darwin.errno"))
		print(out, "[%lld: %s]", value, strerror((int)value));
	else if (annotated(d, "time_t"))
		print_time(out, value);
	else
		print(out, spell(d, "ll", text), value);
}

static void print_float(struct out *out, const struct directive *d, struct arguments *arguments)
{
	char text[64];

	if (d->length[0] == 'L')
		print(out, spell(d, "L", text), va_arg(arguments->list, long double));
	else
		print(out, spell(d, "", text), va_arg(arguments->list, double));
}

static void print_string(struct out *out, const struct directive *d, struct arguments *arguments)
{
	char text[64];

	if (d->length[0] == 'l' || d->conversion == 'S') {
		const wchar_t *wide = va_arg(arguments->list, const wchar_t *);

		print(out, "%ls", wide ? wide : L"(null)");
	} else {
		const char *string = va_arg(arguments->list, const char *);

		print(out, spell(d, "", text), string ? string : "(null)");
	}
}
#pragma GCC diagnostic pop

/* %.16P: as many bytes as the precision says. */
static void print_bytes(struct out *out, const struct directive *d, struct arguments *arguments)
{
	const unsigned char *bytes = va_arg(arguments->list, const void *);
	bool uuid = annotated(d, "uuid_t") && d->precision == 16;

	if (!bytes) {
		print(out, "(null)");
		return;
	}
	for (int i = 0; i < d->precision; i++) {
		if (uuid && (i == 4 || i == 6 || i == 8 || i == 10))
			print(out, "-");
		print(out, uuid ? "%02X" : "%02x", bytes[i]);
	}
}

static void skip(const struct directive *d, struct arguments *arguments)
{
	if (strchr("diouxXDOUcC", d->conversion))
		(void)take_integer(d, arguments);
	else if (strchr("aAeEfFgG", d->conversion) && d->length[0] == 'L')
		(void)va_arg(arguments->list, long double);
	else if (strchr("aAeEfFgG", d->conversion))
		(void)va_arg(arguments->list, double);
	else
		(void)va_arg(arguments->list, void *);
}

/* False: not known. */
static bool print_one(struct out *out, const struct directive *d, struct arguments *arguments)
{
	if (d->conversion == '%') {
		print(out, "%%");
	} else if (d->conversion == 'm') {
		print(out, "%s", strerror(arguments->error));
	} else if (!strchr("diouxXDOUcCaAeEfFgGsSpP@n", d->conversion)) {
		return false;
	} else if (annotated(d, "private") || annotated(d, "sensitive")) {
		skip(d, arguments);
		print(out, "<private>");
	} else if (strchr("diouxX", d->conversion)) {
		print_integer(out, d, arguments);
	} else if (strchr("DOU", d->conversion)) {
		struct directive modern = *d;

		modern.conversion = d->conversion == 'D' ? 'd' : d->conversion == 'O' ? 'o' : 'u';
		modern.length[0] = 'l';
		print_integer(out, &modern, arguments);
	} else if (strchr("cC", d->conversion)) {
		print(out, "%c", (int)take_integer(d, arguments));
	} else if (strchr("aAeEfFgG", d->conversion)) {
		print_float(out, d, arguments);
	} else if (strchr("sS", d->conversion)) {
		print_string(out, d, arguments);
	} else if (d->conversion == 'p') {
		print(out, "%p", va_arg(arguments->list, void *));
	} else if (d->conversion == 'P') {
		print_bytes(out, d, arguments);
	} else {
		skip(d, arguments);
		if (d->conversion == '@')
			print(out, "<object>");
	}
	return true;
}

void esc_log_format(char *line, size_t size, int error, const char *format, va_list list)
{
	struct out out = { line, size };
	struct arguments arguments = { .error = error };
	struct directive directive;
	const char *next;

	va_copy(arguments.list, list);
	line[0] = '\0';
	while (*format) {
		if (*format != '%') {
			size_t length = strcspn(format, "%");

			print(&out, "%.*s", (int)length, format);
			format += length;
			continue;
		}
		next = parse(&directive, format + 1, &arguments);
		if (!next || !print_one(&out, &directive, &arguments)) {
			print(&out, "%s", format);
			break;
		}
		format = next;
	}
	va_end(arguments.list);
}
