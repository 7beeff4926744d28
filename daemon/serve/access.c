/* SPDX-License-Identifier: MIT */
#include "daemon/serve/access.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/config-file.h"
#include "util/log.h"
#include "util/macro.h"

void esd_access_deinit(struct esd_access *access)
{
	for (size_t i = 0; i < access->count; i++)
		free(access->rules[i].path);
	free(access->rules);
	*access = (struct esd_access){};
}

static void esd_access_deinitp(struct esd_access *access)
{
	esd_access_deinit(access);
}

/* ---- reading ---- */

static int check_client(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);

	if (cfg_title(section)[0] != '/') {
		cfg_error(cfg, "client \"%s\": give the absolute path of a program, or of a folder with a / at its end",
			  cfg_title(section));
		return -1;
	}
	if (cfg_size(section, "permit"))
		return 0;
	cfg_error(cfg, "client \"%s\": say permit = yes or permit = no", cfg_title(section));
	return -1;
}

/* Any error counts as an unknown name. */
static bool group_find(const char *name, gid_t *ret)
{
	struct group *group = getgrnam(name);

	if (group)
		*ret = group->gr_gid;
	return group;
}

static int check_group(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	gid_t group;

	if (!group_find(cfg_title(section), &group)) {
		cfg_error(cfg, "group \"%s\": this system has no such group", cfg_title(section));
		return -1;
	}
	if (cfg_size(section, "permit"))
		return 0;
	cfg_error(cfg, "group \"%s\": say permit = yes or permit = no", cfg_title(section));
	return -1;
}

static void checks_set(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "client", check_client);
	cfg_set_validate_func(cfg, "group", check_group);
}

static int rule_add(struct esd_access *access, cfg_t *section, bool is_group)
{
	struct esd_access_rule *rules, rule = { .permit = cfg_getbool(section, "permit") };

	rules = reallocarray(access->rules, access->count + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	access->rules = rules;
	if (is_group && !group_find(cfg_title(section), &rule.group))
		return -EINVAL;
	if (!is_group && !(rule.path = strdup(cfg_title(section))))
		return -ENOMEM;
	rules[access->count++] = rule;
	return 0;
}

static int rules_take(struct esd_access *access, cfg_t *cfg)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < cfg_size(cfg, "client"); i++)
		r = rule_add(access, cfg_getnsec(cfg, "client", i), false);
	for (unsigned int i = 0; r == 0 && i < cfg_size(cfg, "group"); i++)
		r = rule_add(access, cfg_getnsec(cfg, "group", i), true);
	return r;
}

static int file_read(struct esd_access *access, const char *path)
{
	cfg_opt_t rule[] = {
		CFG_BOOL("permit", cfg_false, CFGF_NODEFAULT),
		CFG_END(),
	};
	cfg_opt_t names[] = {
		CFG_SEC("client", rule, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("group", rule, CFGF_MULTI | CFGF_TITLE),
		CONFIG_FILE_END(),
	};
	cfg_t *cfg;
	int r = config_file_parse(names, path, checks_set, &cfg);

	if (r == ENOENT)		/* it was removed just now */
		return 0;
	if (r < 0)
		return r;
	r = rules_take(access, cfg);
	cfg_free(cfg);
	return r;
}

int esd_access_read(struct esd_access *ret, const char *folder, bool listed_only)
{
	_cleanup_(esd_access_deinitp) struct esd_access access = { .listed_only = listed_only };
	_cleanup_(globfree) glob_t files = {};
	char pattern[4096];
	int r;

	if ((size_t)snprintf(pattern, sizeof(pattern), "%s/*.conf", folder) >= sizeof(pattern))
		return -ENAMETOOLONG;
	r = glob(pattern, GLOB_ERR, NULL, &files);
	if (r == GLOB_NOSPACE || (r == GLOB_ABORTED && errno != ENOENT)) {
		log_error("%s: can't read the list of clients: %s", folder, strerror(errno));
		return r == GLOB_NOSPACE ? -ENOMEM : -errno;
	}
	for (size_t i = 0; i < files.gl_pathc; i++) {
		r = file_read(&access, files.gl_pathv[i]);
		if (r < 0)
			return r;
	}
	esd_access_deinit(ret);
	*ret = access;
	access = (struct esd_access){};
	return 0;
}

/* ---- deciding ---- */

static bool path_fits(const char *path, const char *executable)
{
	size_t length = strlen(path);

	return path[length - 1] == '/' ? !strncmp(path, executable, length) : !strcmp(path, executable);
}

static bool rule_fits(const struct esd_access_rule *rule, const char *executable, const gid_t *groups, size_t count)
{
	if (rule->path)
		return path_fits(rule->path, executable);
	for (size_t i = 0; i < count; i++)
		if (groups[i] == rule->group)
			return true;
	return false;
}

int esd_access_decide(const struct esd_access *access, const char *executable, const gid_t *groups, size_t count)
{
	bool listed = false;

	for (size_t i = 0; i < access->count; i++) {
		if (!rule_fits(&access->rules[i], executable, groups, count))
			continue;
		if (!access->rules[i].permit)
			return EACCES;
		listed = true;
	}
	return listed || !access->listed_only ? 0 : ENOKEY;
}
