/* SPDX-License-Identifier: MIT */

/*
 * esctl: asks the daemon about its abilities and its state.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/esctl/esctl.h"
#include "util/log.h"
#include "util/macro.h"

static const struct command {
	const char *name;
	const char *argument;		/* the name of its argument; NULL: none. In brackets: optional */
	int (*run)(bool as_json, const char *argument);
	const char *text;
} commands[] = {
	{ "cache", NULL, command_cache, "answers that are kept: how many, hits and misses, why not kept or dropped" },
	{ "capabilities", "[EVENT]", command_capabilities, "what each event can do on this machine, how, or why not" },
	{ "clients", NULL, command_clients, "who is connected: subscriptions, counts, losses, operations held" },
	{ "history", NULL, command_history, "what happened lately: deadlines missed, clients come, gone and refused" },
	{ "identity", "PATH", command_identity, "who made this file, what a message says of it, and why" },
	{ "mutes", "CLIENT", command_mutes, "what a client (its SLOT) has muted, and which stages are inverted" },
	{ "sign", "PATH", command_sign, "signs a file with fs-verity: --key FILE, a private key; --id NAME" },
	{ "status", NULL, command_status, "the daemon: sensor, scope, deadline, counts" },
};

static void usage(FILE *out)
{
	fputs("usage: esctl COMMAND [--json]\n       esctl --version\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s %-7s %s\n", commands[i].name, commands[i].argument ?: "", commands[i].text);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool arguments_fit(const struct command *command, int count)
{
	bool may = command->argument, must = may && command->argument[0] != '[';

	return count >= must && count <= may;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "id", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "key", required_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'v' },
		{},
	};
	const struct command *command;
	bool as_json = false;
	int option, status;

	log_init("esctl");
	while ((option = getopt_long(argc, argv, "hj", options, NULL)) >= 0) {
		if (option == 'j') {
			as_json = true;
			continue;
		}
		if (option == 'i' || option == 'k') {
			*(option == 'i' ? &sign_options.id : &sign_options.key) = optarg;
			continue;
		}
		if (option == 'v') {
			puts("esctl " ES_LINUX_VERSION_STRING);
			return fflush(stdout) ? EX_IOERR : EX_OK;
		}
		usage(option == 'h' ? stdout : stderr);
		return option == 'h' ? EX_OK : EX_USAGE;
	}
	command = argc > optind ? find_command(argv[optind]) : NULL;
	if (!command || !arguments_fit(command, argc - optind - 1) ||
	    ((sign_options.key || sign_options.id) && command->run != command_sign)) {
		if (!command && argc > optind)
			log_error("no such command: %s", argv[optind]);
		usage(stderr);
		return EX_USAGE;
	}
	status = command->run(as_json, argv[optind + 1]);
	if (status == EX_OK && fflush(stdout)) {
		log_error("can't write: %m");
		return EX_IOERR;
	}
	return status;
}
