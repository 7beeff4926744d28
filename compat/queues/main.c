/* SPDX-License-Identifier: MIT */
/* The main queue. `wanted`, the main thread's futex, changes whenever there may be work for it. */
#include "compat/queues/queues.h"

static uint32_t wanted;

EXPORT struct dispatch_queue_s _dispatch_main_q = {
	.object = { .kind = ESC_QUEUE, .references = ESC_IMMORTAL },
	.width = ESC_MAIN,
	.label = (char *)"com.apple.main-thread",
};

bool esc_is_main_thread(void)
{
	return esc_thread() == (uint32_t)getpid();
}

void esc_main_wake(void)
{
	__atomic_add_fetch(&wanted, 1, __ATOMIC_RELEASE);
	esc_wake(&wanted, 1);
}

static bool has_work(void)
{
	sigset_t signals;
	bool has;

	esc_lock(&signals);
	esc_queue_check(&_dispatch_main_q);
	has = esc_queue_runnable(&_dispatch_main_q);
	esc_unlock(&signals);
	return has;
}

static void restore_signals(void)
{
	sigset_t signals;

	esc_lock(&signals);
	esc_signals_restore();
	esc_unlock(&signals);
}

EXPORT void dispatch_main(void)
{
	uint32_t seen;

	if (!esc_is_main_thread())
		esc_bug("BUG IN CLIENT: dispatch_main() is for the main thread");
	restore_signals();
	for (;;) {
		seen = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
		if (has_work())
			esc_queue_run_one(&_dispatch_main_q);
		else
			esc_sleep(&wanted, seen, 0);
	}
}
