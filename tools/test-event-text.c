/* SPDX-License-Identifier: MIT */

/* tools/event-text.c: what may reach a terminal, columns that stay put, and lines as they are documented. */

#undef NDEBUG
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/event-text.h"
#include "tools/event.h"
#include "util/macro.h"

#define STRING(text) ((es_string_token_t){ sizeof(text) - 1, text })

static const es_string_token_t args[] = { STRING("ls"), STRING("-l"), STRING("a b"), STRING(""), STRING("x\"\n") };

/* The accessors of exec messages look into the library's own part of a message; here they look into these. */
uint32_t es_exec_arg_count(const es_event_exec_t *event)
{
	(void)event;
	return ARRAY_SIZE(args);
}

es_string_token_t es_exec_arg(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	return args[index];
}

uint32_t es_exec_env_count(const es_event_exec_t *event)
{
	(void)event;
	abort();		/* not for people */
}

/* Nor where processes are: never called. */
es_return_t es_linux_find_cgroup(const es_message_t *message, const es_process_t *process, es_linux_cgroup_t **ret_cgroup)
{
	(void)message;
	(void)process;
	(void)ret_cgroup;
	abort();
}

void es_linux_free_cgroup(es_linux_cgroup_t *cgroup)
{
	(void)cgroup;
	abort();
}

const char *es_linux_runtime_name(es_linux_runtime_t runtime)
{
	(void)runtime;
	abort();
}

/* No file is seen by another name. */
bool es_linux_file(const es_message_t *message, const es_file_t *file, es_linux_file_t *info)
{
	(void)message;
	(void)file;
	(void)info;
	return false;
}

es_string_token_t es_exec_env(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	return args[index];
}

uint32_t es_exec_fd_count(const es_event_exec_t *event)
{
	(void)event;
	abort();
}

const es_fd_t *es_exec_fd(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	(void)index;
	abort();
}

/* --- escapes --- */

static void expect_escaped(const char *data, size_t length, const char *expected)
{
	struct json out = {};

	event_text_escape(&out, data, length);
	if (out.length != strlen(expected) || memcmp(out.data, expected, out.length))
		fprintf(stderr, "got '%.*s', expected '%s'\n", (int)out.length, out.data, expected);
	assert(out.length == strlen(expected) && !memcmp(out.data, expected, out.length));
	json_deinit(&out);
}

#define ESCAPED(text, expected) expect_escaped(text, sizeof(text) - 1, expected)

static void test_escapes(void)
{
	ESCAPED("/usr/bin/ls", "/usr/bin/ls");
	ESCAPED("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	ESCAPED("a\\b", "a\\\\b");
	ESCAPED("a\nb\tc\0d\033[2J\x7f", "a\\x0ab\\x09c\\x00d\\x1b[2J\\x7f");
	ESCAPED("\xc2\x9b" "2J\xc2\x85", "\\u{9b}2J\\u{85}");				/* C1 */
	ESCAPED("\xe2\x80\xae" "txt\xe2\x81\xa6\xd8\x9c", "\\u{202e}txt\\u{2066}\\u{61c}");	/* direction */
	ESCAPED("\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\u{2028}\\u{200b}\\u{feff}\\u{ad}");
	ESCAPED("\xf3\xa0\x81\x81\xee\x80\x80", "\\u{e0041}\\u{e000}");			/* tags, private use */
	ESCAPED("\xff\x80\xc3", "\\xff\\x80\\xc3");
	ESCAPED("\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80",			/* overlong, surrogate, too large */
		"\\xc0\\xaf\\xe0\\x80\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
}

/* Whatever bytes: nothing but printable ASCII and well-formed UTF-8 comes out, on one line. */
static void test_noise(void)
{
	char noise[64];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct json out = {};

		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)(rand() % 3 ? rand() : "\xe2\x80\xc2\xf0\x9f"[rand() % 5]);
		event_text_escape(&out, noise, sizeof(noise));
		for (size_t i = 0; i < out.length; i++) {
			unsigned char c = (unsigned char)out.data[i];

			assert(c >= ' ' && c != 0x7f);
			assert(c != 0xc2 || (unsigned char)out.data[i + 1] > 0x9f);
		}
		json_deinit(&out);
	}
}

/* --- lines --- */

static es_file_t bash = { .path = STRING("/usr/bin/bash") };
static es_file_t file = { .path = STRING("/tmp/a file") };
static es_file_t dir = { .path = STRING("/tmp") };
static es_file_t other_file = { .path = STRING("/etc/x") };
static es_process_t actor = { .executable = &bash, .audit_token = { { 0, 4294967290u, 0, 0, 0, 1234, 0, 1 } } };

static es_message_t make_message(es_event_type_t type)
{
	return (es_message_t){
		.time = { 1754579589, 811587464 }, .process = &actor, .action_type = ES_ACTION_TYPE_NOTIFY, .event_type = type,
	};
}

static void expect_line(const es_message_t *message, const char *expected)
{
	const struct event_text text = { .event_width = 8 };
	struct json out = {};

	event_text_message(&text, &out, message);
	assert(!out.failed && out.length && out.data[out.length - 1] == '\n');
	out.data[out.length - 1] = '\0';
	if (strcmp(out.data, expected))
		fprintf(stderr, "got      '%s'\nexpected '%s'\n", out.data, expected);
	assert(!strcmp(out.data, expected));
	json_deinit(&out);
}

#define HEAD(event) "15:13:09.811 " event "    1234 4294967+ bash           "

static void test_lines(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_EXEC);

	message.event.exec = (es_event_exec_t){ .target = &actor, .cwd = &dir, .script = &file, .last_fd = 3 };
	expect_line(&message, HEAD("exec    ") " /usr/bin/bash[1234] ls -l \"a b\" \"\" \"x\\\"\\x0a\" cwd=/tmp script=\"/tmp/a file\"");

	message = make_message(ES_EVENT_TYPE_NOTIFY_OPEN);
	message.event.open = (es_event_open_t){ .fflag = FREAD | FWRITE, .file = &other_file };
	message.action.notify = (es_result_t){ .result_type = ES_RESULT_TYPE_FLAGS, .result.flags = UINT32_MAX };
	expect_line(&message, HEAD("open    ") " fflag=read+write /etc/x");
	message.action.notify.result.flags = FREAD;
	expect_line(&message, HEAD("open    ") " DENIED fflag=read+write /etc/x");

	message = make_message(ES_EVENT_TYPE_NOTIFY_RENAME);
	message.event.rename = (es_event_rename_t){
		.source = &file, .destination_type = ES_DESTINATION_TYPE_NEW_PATH,
		.destination.new_path = { .dir = &dir, .filename = STRING("new") },
	};
	expect_line(&message, HEAD("rename  ") " \"/tmp/a file\" -> /tmp/new");

	message = make_message(ES_EVENT_TYPE_NOTIFY_LINK);
	message.event.link = (es_event_link_t){ .source = &other_file, .target_dir = &dir, .target_filename = STRING("l") };
	expect_line(&message, HEAD("link    ") " /etc/x -> /tmp/l");

	message = make_message(ES_EVENT_TYPE_NOTIFY_EXIT);
	message.event.exit.stat = SIGKILL;
	expect_line(&message, HEAD("exit    ") " stat=SIGKILL");
	message.event.exit.stat = 256;
	message.action.notify.result.auth = ES_AUTH_RESULT_DENY;
	expect_line(&message, HEAD("exit    ") " DENIED stat=1");

	message = make_message(ES_EVENT_TYPE_NOTIFY_SETMODE);
	message.event.setmode = (es_event_setmode_t){ .mode = 0104755, .target = &other_file };
	expect_line(&message, HEAD("setmode ") " mode=4755 /etc/x");

	message = make_message(ES_EVENT_TYPE_NOTIFY_CLOSE);
	message.event.close = (es_event_close_t){ .modified = true, .target = &other_file };
	expect_line(&message, HEAD("close   ") " /etc/x modified");

	message = make_message(ES_EVENT_TYPE_NOTIFY_SETEXTATTR);		/* longer than its column */
	message.event.setextattr = (es_event_setextattr_t){ .target = &other_file, .extattr = STRING("user.x") };
	expect_line(&message, HEAD("setexta+") " /etc/x extattr=user.x");
}

static void test_colours(void)
{
	const struct event_text text = { .event_width = 4, .colours = true };
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_EXIT);
	struct json out = {};

	event_text_message(&text, &out, &message);
	assert(memchr(out.data, '\033', out.length));
	json_deinit(&out);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	test_escapes();
	test_noise();
	test_lines();
	test_colours();
	return 0;
}
