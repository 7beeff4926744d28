# SPDX-License-Identifier: MIT
# For the scripts here: no privileges, a folder of its own, time limits, and what is checked.

build=$1
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || { echo "skip: setpriv"; exit 77; }
	exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"
fi
[ -x "$build/tools/escap" ] || { echo "skip: $build can't be read by uid $(id -u)"; exit 77; }

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
mkdir tmp
export TMPDIR=$dir/tmp		# of nobody else: what is left there is ours
escap=$build/tools/escap
sample=$build/examples/sample.escap
client=$build/tests/replay/replay-client
failed=0

fail() { echo "not so: $*"; failed=1; }

# run WANTED-STATUS COMMAND...: output goes to out and err
run() {
	local wanted=$1 status=0
	shift
	timeout -k 5 60 "$@" >out 2>err </dev/null || status=$?
	[ "$status" = "$wanted" ] || { fail "$* ends with $wanted, not $status:"; head -n 20 out err; }
}

says() { grep -q -- "$2" "$1" || { fail "$1 says '$2':"; head -n 20 "$1"; }; }
