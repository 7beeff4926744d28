/* SPDX-License-Identifier: MIT */
/* Includes gcc's header, whose path es-clang passes. */
#pragma GCC system_header
#include __ES_OBJC_OBJC_DECLS_H
