/* SPDX-License-Identifier: MIT */
/* gcc's, wherever it is: es-clang says. */
#pragma GCC system_header
#include __ES_OBJC_MESSAGE_H
