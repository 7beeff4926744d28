# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Packages of Debian 12, 13 and 13's backports, whatever of them this machine uses. To be sourced where $cache is what
# tests/vm/cache prints, and fail() says what is wrong and exits.
#
# The archive's address is the one that the machine's apt uses. apt's lists of these suites lie in the cache, so that the
# machine's own aren't touched, and no root is needed.

apt=$cache/apt

# address SUITE...: where the machine's apt has the first of these suites that it has.
address() {
	for suite; do
		apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
			sed -n "s/^$suite main //p"
	done | head -n 1
}

mirror() {
	found=$(address trixie bookworm)
	[ -n "$found" ] || fail "apt's sources have no mirror of Debian 12 or 13 (bookworm or trixie, main)"
	echo "$found"
}

# sources SUITE...: lines of a sources.list. Security updates have an address of their own, if the machine has any.
sources() {
	signed=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -e "$signed" ] || options="[signed-by=$signed] "
	for suite; do
		case $suite in
		*-security) where=$(address trixie-security bookworm-security) ;;
		*) where=$(mirror) ;;
		esac
		[ -z "$where" ] || echo "deb ${options:-}$where $suite main"
	done
}

# own_apt PROGRAM ARGUMENT...: apt-get or apt-cache with $lists, a folder of sources and lists made by own_update, and none
# of the machine's settings of what to prefer. As root, apt-get would download as the user _apt, who can't write here, and warn.
own_apt() {
	program=$1
	shift
	"$program" -q -q -o Dir::Etc::sourcelist="$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::Lists="$lists/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$lists/cache" \
		-o APT::Sandbox::User="$(id -un)" "$@" </dev/null
}

# own_update NAME SUITE...: sets $lists. Holds a lock until apt_done.
own_update() {
	lists=$apt/$1
	shift
	mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
	exec 8>"$lists/lock"
	flock 8
	sources "$@" >"$lists/sources.list"
	own_apt apt-get update >&2 || fail "apt-get could not get the lists of $*"
}

own_done() { exec 8>&-; }
