/* SPDX-License-Identifier: MIT */
/* blocks_runtime.h - asked for by GNUstep's headers where the compiler has blocks; gcc's libobjc comes without it */
#ifndef __ES_COMPAT_OBJC_BLOCKS_RUNTIME_H
#define __ES_COMPAT_OBJC_BLOCKS_RUNTIME_H

#include <Block.h>

#endif
