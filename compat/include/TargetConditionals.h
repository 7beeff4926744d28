/* SPDX-License-Identifier: MIT */
/*
 * TargetConditionals.h - the system that a program is compiled for: Linux
 *
 * TARGET_OS_OSX is 0: code under it needs more than this folder has.
 */
#ifndef __ES_COMPAT_TARGET_CONDITIONALS_H
#define __ES_COMPAT_TARGET_CONDITIONALS_H

#define TARGET_OS_LINUX		1
#define TARGET_OS_UNIX		0
#define TARGET_OS_WIN32		0
#define TARGET_OS_WINDOWS	0
#define TARGET_OS_MAC		0
#define TARGET_OS_OSX		0
#define TARGET_OS_IPHONE	0
#define TARGET_OS_IOS		0
#define TARGET_OS_MACCATALYST	0
#define TARGET_OS_TV		0
#define TARGET_OS_WATCH		0
#define TARGET_OS_VISION	0
#define TARGET_OS_DRIVERKIT	0
#define TARGET_OS_SIMULATOR	0
#define TARGET_OS_EMBEDDED	0
#define TARGET_IPHONE_SIMULATOR	0

#ifdef __x86_64__
#define TARGET_CPU_X86_64	1
#else
#define TARGET_CPU_X86_64	0
#endif
#ifdef __aarch64__
#define TARGET_CPU_ARM64	1
#else
#define TARGET_CPU_ARM64	0
#endif
#define TARGET_CPU_X86		0
#define TARGET_CPU_ARM		0
#define TARGET_CPU_PPC		0
#define TARGET_CPU_PPC64	0

#define TARGET_RT_64_BIT	1
#define TARGET_RT_LITTLE_ENDIAN	1
#define TARGET_RT_BIG_ENDIAN	0

#endif
