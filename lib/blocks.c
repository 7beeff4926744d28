/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdint.h>

#include "log.h"
#include "new-client.h"

/*
 * The entry points that take blocks, for compilers with and without blocks alike: a block is a pointer to an object
 * whose layout is part of the ABI, and calling it is calling its `invoke` with the object as first argument. Only
 * copying a block needs the runtime (libBlocksRuntime), which a program that has blocks brings with it; a program that
 * has none needs no runtime, hence the weak references.
 */
struct block {
	void *isa;
	int32_t flags;
	int32_t reserved;
	void (*invoke)(void);
};

enum { BLOCK_IS_GLOBAL = 1 << 28 };		/* captures nothing, lives for ever */

typedef void handler_invoke(void *block, es_client_t *client, const es_message_t *message);
typedef void plain_invoke(void *block);

#define WEAK __attribute__((weak))
#define EXPORT __attribute__((visibility("default")))

extern void *_Block_copy(const void *block) WEAK;
extern void _Block_release(const void *block) WEAK;

EXPORT es_new_client_result_t es_new_client(es_client_t **client, void *block);
EXPORT es_new_client_result_t es_new_descendants_client(es_client_t **client, void *block);
EXPORT es_return_t es_sync_client(es_client_t *client, void *block);

/* If a program links the runtime statically, we can't see its symbols, so a shared one is loaded. */
static void *runtime(const char *name, void *linked)
{
	void *library = NULL;

	if (linked)
		return linked;
	library = dlopen("libBlocksRuntime.so.0", RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		library = dlopen("libBlocksRuntime.so", RTLD_NOW | RTLD_GLOBAL);
	return library ? dlsym(library, name) : NULL;
}

/* NULL: it can't be copied. A missing runtime is logged. */
static void *copy_block(void *block)
{
	void *(*copy)(const void *);

	if (((struct block *)block)->flags & BLOCK_IS_GLOBAL)
		return block;
	copy = (void *(*)(const void *))(uintptr_t)runtime("_Block_copy", (void *)(uintptr_t)_Block_copy);
	if (!copy)
		esl_log("the handler is a block with captured variables, and there is no blocks runtime: "
			"link the program with -lBlocksRuntime");
	return copy ? copy(block) : NULL;
}

static void release_block(void *block)
{
	void (*release)(const void *);

	if (((struct block *)block)->flags & BLOCK_IS_GLOBAL)
		return;
	release = (void (*)(const void *))(uintptr_t)runtime("_Block_release", (void *)(uintptr_t)_Block_release);
	if (release)
		release(block);
}

static void call_handler(es_client_t *client, const es_message_t *message, void *block)
{
	((handler_invoke *)((struct block *)block)->invoke)(block, client, message);
}

es_new_client_result_t es_new_client(es_client_t **client, void *block)
{
	es_new_client_result_t result;
	void *copy;

	if (!client || !block)
		return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
	copy = copy_block(block);
	if (!copy)
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	result = esl_client_new(client, call_handler, copy, release_block);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
		release_block(copy);
	return result;
}

es_new_client_result_t es_new_descendants_client(es_client_t **client, void *block)
{
	return es_new_descendants_client_f(client, block ? call_handler : NULL, block);
}

static void call_plain(void *block)
{
	((plain_invoke *)((struct block *)block)->invoke)(block);
	release_block(block);
}

es_return_t es_sync_client(es_client_t *client, void *block)
{
	es_return_t result;
	void *copy;

	if (!block)
		return ES_RETURN_ERROR;
	copy = copy_block(block);
	if (!copy)
		return ES_RETURN_ERROR;
	result = es_sync_client_f(client, call_plain, copy);
	if (result != ES_RETURN_SUCCESS)
		release_block(copy);
	return result;
}
