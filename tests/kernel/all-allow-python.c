/* SPDX-License-Identifier: MIT */

/*
 * Python's own tests of what it does with files, processes, signals, sockets and memory end in the same way, test by test,
 * when each operation is held and allowed as when nobody looks. ES_PYTHON_TESTS has other modules' names.
 */

#include "twice.h"

/* The outcomes are compared; why something failed is in the log of the test that differs. */
static const char script[] =
	"export LC_ALL=C TMPDIR=$PWD HOME=$PWD PYTHONDONTWRITEBYTECODE=1; "
	"/usr/bin/python3 \"$1\" \"$2\" 2> ../failures; rm -rf * .[a-zA-Z]*";

static const char *const modules[] = { "test.test_os", "test.test_posix", "test.test_mmap", "test.test_fcntl",
				       "test.test_shutil", "test.test_signal", "test.test_socket", "test.test_subprocess" };

static void try(const char *module)
{
	printf("%s\n", module);
	twice((char *[]){ (char *)"sh", (char *)"-c", (char *)script, (char *)"sh",
			  (char *)test_built("../../tests/harness/outcomes.py"), (char *)module, NULL });
}

int main(void)
{
	char *wanted = getenv("ES_PYTHON_TESTS"), *rest = NULL;

	twice_begin(400);
	if (system("/usr/bin/python3 -c 'import test.test_os' 2>/dev/null") != 0)
		test_skip("Python's own tests: the package libpython3.11-testsuite, or that of the Python that is here");
	if (!wanted) {
		for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
			try(modules[i]);
		return test_end();
	}
	for (char *module = strtok_r(wanted, " ", &rest); module; module = strtok_r(NULL, " ", &rest))
		try(module);
	return test_end();
}
