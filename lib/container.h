/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The containers that a cgroup's path names. Runtimes put each container into a cgroup that has its id in its name;
 * that is all there is, since the kernel knows no containers. Whoever may make cgroups chooses such names: the path is
 * untrusted text.
 */

#include <stddef.h>

#include <EndpointSecurity/ESLinux.h>

enum { ESL_CONTAINERS_MAX = 8 };	/* in one another */

/* Tokens point into the path; they are not terminated. */
struct esl_containers {
	es_linux_container_t found[ESL_CONTAINERS_MAX];	/* the outermost first */
	size_t count;
	es_string_token_t pod;		/* of Kubernetes, as it stands in the path; length 0: none */
};

/* `path` begins at the root of the hierarchy; it needs no NUL. */
void esl_containers_of(es_string_token_t path, struct esl_containers *ret);
