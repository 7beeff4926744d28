/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Changes of accounts and groups: compares two states of a file. Each difference is a change, which one message
 * reports. No change contains a password.
 */

#include "abi/sensor.h"
#include "daemon/report/listing.h"

enum { ESD_CHANGE_BYTES = 32768 };	/* longer values of a change are cut */

/* es_od_record_type_t */
enum esd_record_type {
	ESD_RECORD_USER,
	ESD_RECORD_GROUP,
};

struct esd_change {
	enum es_report_number number;
	enum esd_record_type record;
	const char *name;		/* the account's or the group's */
	const char *detail;		/* the name of the member or attribute; NULL: none */
	const char *values;		/* strings with their NULs, one behind the other */
	size_t values_bytes;
};

typedef void esd_change_f(void *owner, const struct esd_change *change);

/* Input of a comparison. */
struct esd_difference {
	const struct esd_listing *passwd;	/* for shadow: the accounts that exist; NULL: not known */
	long today;			/* in days, as in shadow */
	esd_change_f *changed;
	void *owner;
};

void esd_difference_tell(const struct esd_difference *difference, enum esd_listing_kind kind, const struct esd_listing *old,
			 const struct esd_listing *now);
