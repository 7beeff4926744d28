/* SPDX-License-Identifier: MIT */
#include <sysexits.h>

#include "tools/escap/escap.h"
#include "util/log.h"

int escap_verify(int argc, char **argv)
{
	(void)argc, (void)argv;
	log_error("verify: this escap was built without libjson-c");
	return EX_UNAVAILABLE;
}
