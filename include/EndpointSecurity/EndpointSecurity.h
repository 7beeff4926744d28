/* SPDX-License-Identifier: MIT */
/*
 * EndpointSecurity.h - the whole API, under the names of macOS
 *
 *	ESTypes.h	constants and small types
 *	ESMessage.h	what a client receives: messages and their events
 *	ESClient.h	what a client can do: subscribe, answer, mute
 *
 * Complete up to the macOS 27.0 SDK (message version 11). Link with
 * -lEndpointSecurity. The handler of a client is a block, so es_new_client()
 * and the few others that take one are declared for clang -fblocks only;
 * ESLinux.h has them with function pointers for every other compiler.
 */
#ifndef __ENDPOINT_SECURITY_H
#define __ENDPOINT_SECURITY_H

#define __ENDPOINT_SECURITY_INDIRECT__
#include <EndpointSecurity/ESTypes.h>
#include <EndpointSecurity/ESMessage.h>
#include <EndpointSecurity/ESClient.h>
#undef __ENDPOINT_SECURITY_INDIRECT__

#endif /* __ENDPOINT_SECURITY_H */
