/* SPDX-License-Identifier: MIT */
#include "container.h"

#include <stdbool.h>
#include <string.h>

#include "util/macro.h"
#include "util/number.h"

/*
 * The names that runtimes give, N being an id of hexadecimal digits:
 *
 *	docker-N.scope  cri-containerd-N.scope  nerdctl-N.scope  crio-N.scope  libpod-N.scope	with systemd
 *	docker/N  podUID/N  N  crio-N  libpod-N							without
 *	slice:cri-containerd:N									a mixture of both
 *	machine-NAME.scope  systemd-nspawn@NAME.service						systemd-nspawn
 *	lxc.payload.NAME  lxc/NAME								LXC, Incus, LXD
 *
 * What watches over a container has a cgroup, too (crio-conmon-N, libpod-conmon-N, lxc.monitor.NAME); it isn't in the
 * container. What runs in the container may have cgroups below its own, so all names of a path count.
 */

enum {
	ID_MIN = 12,			/* the shortest form that is in use */
	ID_WHOLE = 64,
	POD_UID = 32,			/* without dashes */
};

static const struct {
	const char *name;
	es_linux_runtime_t runtime;
} prefixes[] = {
	{ "docker", ES_LINUX_RUNTIME_DOCKER },
	{ "cri-containerd", ES_LINUX_RUNTIME_CONTAINERD },
	{ "containerd", ES_LINUX_RUNTIME_CONTAINERD },
	{ "nerdctl", ES_LINUX_RUNTIME_CONTAINERD },
	{ "crio", ES_LINUX_RUNTIME_CRIO },
	{ "libpod", ES_LINUX_RUNTIME_PODMAN },
};

static bool is(es_string_token_t text, const char *other)
{
	return text.length == strlen(other) && !memcmp(text.data, other, text.length);
}

static bool take_prefix(es_string_token_t *text, const char *prefix)
{
	size_t length = strlen(prefix);

	if (text->length < length || memcmp(text->data, prefix, length))
		return false;
	text->data += length;
	text->length -= length;
	return true;
}

static bool take_suffix(es_string_token_t *text, const char *suffix)
{
	size_t length = strlen(suffix);

	if (text->length < length || memcmp(text->data + text->length - length, suffix, length))
		return false;
	text->length -= length;
	return true;
}

static bool is_id(es_string_token_t text, size_t min)
{
	if (text.length < min || text.length > ID_WHOLE)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (number_hex_digit(text.data[i]) < 0)
			return false;
	return true;
}

/* What is behind the last ':' and, in *before, what is before that. False: there is none. */
static bool split_last(es_string_token_t text, char separator, es_string_token_t *before, es_string_token_t *behind)
{
	const char *at = text.length ? memrchr(text.data, separator, text.length) : NULL;

	if (!at)
		return false;
	*before = (es_string_token_t){ (size_t)(at - text.data), text.data };
	*behind = (es_string_token_t){ text.length - before->length - 1, at + 1 };
	return true;
}

static void add(struct esl_containers *to, es_linux_runtime_t runtime, es_string_token_t id)
{
	if (to->count < ARRAY_SIZE(to->found))
		to->found[to->count++] = (es_linux_container_t){ .runtime = runtime, .id = id };
}

/* RUNTIME-N, with or without ".scope"; slice:RUNTIME:N */
static bool look_for_prefix(struct esl_containers *to, es_string_token_t name)
{
	es_string_token_t runtime, before, id;

	(void)take_suffix(&name, ".scope");
	if (split_last(name, ':', &before, &id)) {
		if (!split_last(before, ':', &before, &runtime))
			runtime = before;
	} else if (!split_last(name, '-', &runtime, &id)) {
		return false;
	}
	if (!is_id(id, ID_MIN))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!is(runtime, prefixes[i].name))
			continue;
		add(to, prefixes[i].runtime, id);
		return true;
	}
	return false;
}

/* The machines of systemd. Virtual machines are registered there as well, by libvirt: they are no containers. */
static bool look_for_machine(struct esl_containers *to, es_string_token_t name)
{
	bool found = take_prefix(&name, "machine-") ? take_suffix(&name, ".scope")
						    : take_prefix(&name, "systemd-nspawn@") && take_suffix(&name, ".service");
	es_string_token_t rest = name;

	if (!found || !name.length || take_prefix(&rest, "qemu\\x2d"))
		return false;
	add(to, take_prefix(&rest, "lxc\\x2d") ? ES_LINUX_RUNTIME_OTHER : ES_LINUX_RUNTIME_NSPAWN, name);
	return true;
}

static bool look_for_lxc(struct esl_containers *to, es_string_token_t parent, es_string_token_t name)
{
	if (!take_prefix(&name, "lxc.payload.") && !is(parent, "lxc") && !is(parent, "lxc.payload"))
		return false;
	if (name.length)
		add(to, ES_LINUX_RUNTIME_LXC, name);
	return true;
}

/* An id alone. Its parent may name the runtime. */
static void look_for_id(struct esl_containers *to, es_string_token_t parent, es_string_token_t name)
{
	if (is(parent, "docker") && is_id(name, ID_MIN))
		add(to, ES_LINUX_RUNTIME_DOCKER, name);
	else if (is_id(name, ID_WHOLE))
		add(to, ES_LINUX_RUNTIME_OTHER, name);
}

static bool is_pod_uid(es_string_token_t text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (number_hex_digit(text.data[i]) >= 0)
			digits++;
		else if (text.data[i] != '-' && text.data[i] != '_')
			return false;
	}
	return digits == POD_UID && text.length <= POD_UID + 4;
}

/* podUID, or kubepods-burstable-podUID.slice */
static void look_for_pod(struct esl_containers *to, es_string_token_t name)
{
	es_string_token_t before, behind;

	if (take_suffix(&name, ".slice")) {
		if (!take_prefix(&name, "kubepods-"))
			return;
		if (split_last(name, '-', &before, &behind))
			name = behind;
	}
	if (take_prefix(&name, "pod") && is_pod_uid(name))
		to->pod = name;
}

static void look_at(struct esl_containers *to, es_string_token_t parent, es_string_token_t name)
{
	look_for_pod(to, name);
	if (!look_for_prefix(to, name) && !look_for_machine(to, name) && !look_for_lxc(to, parent, name))
		look_for_id(to, parent, name);
}

void esl_containers_of(es_string_token_t path, struct esl_containers *ret)
{
	es_string_token_t parent = { 0, "" }, name;
	const char *slash;

	*ret = (struct esl_containers){ .pod = { 0, "" } };
	while (path.length) {
		slash = memchr(path.data, '/', path.length);
		name = (es_string_token_t){ slash ? (size_t)(slash - path.data) : path.length, path.data };
		if (name.length) {
			look_at(ret, parent, name);
			parent = name;
		}
		path.data += name.length + (slash ? 1 : 0);
		path.length -= name.length + (slash ? 1 : 0);
	}
}
