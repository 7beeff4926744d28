/* SPDX-License-Identifier: MIT */
/* once.h - run something once in a program's life */
#ifndef __ES_COMPAT_DISPATCH_ONCE_H
#define __ES_COMPAT_DISPATCH_ONCE_H

#include <dispatch/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef intptr_t dispatch_once_t;	/* static, and 0 at first */

/* A thread that calls this while another runs the function waits until it is done. */
DISPATCH_EXPORT void dispatch_once_f(dispatch_once_t *once, void *context, dispatch_function_t function);

#ifdef __BLOCKS__
DISPATCH_EXPORT void dispatch_once(dispatch_once_t *once, dispatch_block_t block);
#endif

#ifdef __cplusplus
}
#endif

#endif
