/* SPDX-License-Identifier: MIT */
/*
 * AvailabilityVersions.h - releases of macOS by number
 *
 * To a program the SDK's version is 27.0, which is that of
 * include/EndpointSecurity.
 */
#ifndef __ES_COMPAT_AVAILABILITY_VERSIONS_H
#define __ES_COMPAT_AVAILABILITY_VERSIONS_H

#define __MAC_10_9		1090
#define __MAC_10_10		101000
#define __MAC_10_11		101100
#define __MAC_10_12		101200
#define __MAC_10_13		101300
#define __MAC_10_14		101400
#define __MAC_10_15		101500
#define __MAC_10_15_1		101501
#define __MAC_10_15_4		101504
#define __MAC_11_0		110000
#define __MAC_11_3		110300
#define __MAC_12_0		120000
#define __MAC_13_0		130000
#define __MAC_14_0		140000
#define __MAC_15_0		150000
#define __MAC_15_4		150400
#define __MAC_26_0		260000
#define __MAC_26_4		260400
#define __MAC_27_0		270000

/* Numbers, not the names above: GNUstep's headers define some of these too, and the same text twice is no warning. */
#define MAC_OS_X_VERSION_10_15	101500
#define MAC_OS_VERSION_10_15	101500
#define MAC_OS_X_VERSION_10_15_1	101501
#define MAC_OS_VERSION_10_15_1	101501
#define MAC_OS_X_VERSION_10_15_4	101504
#define MAC_OS_VERSION_10_15_4	101504
#define MAC_OS_VERSION_11_0	110000
#define MAC_OS_VERSION_11_3	110300
#define MAC_OS_VERSION_12_0	120000
#define MAC_OS_VERSION_13_0	130000
#define MAC_OS_VERSION_14_0	140000
#define MAC_OS_VERSION_15_0	150000
#define MAC_OS_VERSION_15_4	150400
#define MAC_OS_VERSION_26_0	260000
#define MAC_OS_VERSION_26_4	260400
#define MAC_OS_VERSION_27_0	270000

#ifndef __MAC_OS_X_VERSION_MAX_ALLOWED
#define __MAC_OS_X_VERSION_MAX_ALLOWED	__MAC_27_0
#endif
#ifndef __MAC_OS_X_VERSION_MIN_REQUIRED
#define __MAC_OS_X_VERSION_MIN_REQUIRED	__MAC_27_0
#endif
#ifndef MAC_OS_X_VERSION_MAX_ALLOWED
#define MAC_OS_X_VERSION_MAX_ALLOWED	__MAC_OS_X_VERSION_MAX_ALLOWED
#endif
#ifndef MAC_OS_X_VERSION_MIN_REQUIRED
#define MAC_OS_X_VERSION_MIN_REQUIRED	__MAC_OS_X_VERSION_MIN_REQUIRED
#endif

#endif
