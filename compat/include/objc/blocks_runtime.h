/* SPDX-License-Identifier: MIT */
/* blocks_runtime.h - GNUstep's headers include it if the compiler has blocks, and gcc's libobjc lacks it */
#ifndef __ES_COMPAT_OBJC_BLOCKS_RUNTIME_H
#define __ES_COMPAT_OBJC_BLOCKS_RUNTIME_H

#include <Block.h>

#endif
