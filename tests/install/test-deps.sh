#!/bin/sh
# SPDX-License-Identifier: MIT
#
#	tests/install/test-deps.sh
#
# scripts/install-deps with a machine that lacks some packages, root, a network, or is no Debian: what it does, what it says.
set -u

script=$(dirname "$(readlink -f "$0")")/../../scripts/install-deps
work=$(mktemp -d "${ES_TEST_DIR:-${TMPDIR:-/tmp}}/deps.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

fault() { echo "$*"; failed=1; }

tool() {	# NAME: its text comes from standard input
	{ echo '#!/bin/sh'; cat; } >"$work/bin/$1"
	chmod 755 "$work/bin/$1"
}

# A machine: $work/missing has what isn't installed, $work/uid who runs this, $work/net whether apt-get works.
mkdir "$work/bin"
for program in sh dirname grep sed awk readlink; do
	ln -s "$(command -v "$program")" "$work/bin/$program"
done
tool dpkg-query <<-END
	for last; do :; done
	grep -qxF "\$last" "$work/missing" || printf 'install ok installed'
END
tool id <<-END
	cat() { while read -r line; do echo "\$line"; done; }
	cat <"$work/uid"
END
tool apt-get <<-END
	echo "\$*" >>"$work/apt"
	read -r works <"$work/net"
	[ "\$works" = yes ] || { echo "Could not resolve the archive" >&2; exit 100; }
	case "\$*" in *install*) : >"$work/missing" ;; esac
END

machine() {	# UID NETWORK PACKAGE...
	echo "$1" >"$work/uid"
	echo "$2" >"$work/net"
	shift 2
	: >"$work/missing"
	for package; do
		echo "$package" >>"$work/missing"
	done
	rm -f "$work/apt"
}

expect() {	# STATUS TEXT ARGUMENT...: what it says has the text; with an empty one it says nothing
	status=$1 text=$2
	shift 2
	said=$(PATH=$work/bin "$script" "$@" 2>&1)
	got=$?
	[ "$got" = "$status" ] || fault "$*: exit status $got, not $status: $said"
	case $said in
	*"$text"*) [ -n "$text" ] || [ -z "$said" ] || fault "$*: says $said" ;;
	*) fault "$*: does not say '$text' but: $said" ;;
	esac
}

machine 0 yes
expect 0 "" check-all
[ ! -e "$work/apt" ] || fault "apt-get is called where nothing is missing"

machine 1000 yes cmake spin qemu-system-x86 rustc abigail-tools
expect 0 "" run
expect 0 "" build
expect 1 "Missing packages: rustc cmake abigail-tools qemu-system-x86 spin" check
expect 1 "Run: sudo scripts/install-deps check" check

machine 0 yes gcc clang lintian
expect 1 "Missing packages: gcc clang
" --check build
[ ! -e "$work/apt" ] || fault "--check installs"
expect 0 "Installing missing packages: gcc clang" build
grep -q "install gcc clang" "$work/apt" || fault "apt-get was asked for: $(cat "$work/apt")"

machine 0 no clang-19
expect 1 "apt-get could not install: clang-19" run
expect 1 "Debian 12 and 13 with their usual sources" run

expect 2 "no such group of packages: nonsense" nonsense
expect 0 "bpftool" --list run
rm "$work/bin/dpkg-query"
expect 1 "This is no Debian" run
exit "$failed"
