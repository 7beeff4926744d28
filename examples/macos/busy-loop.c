/* SPDX-License-Identifier: MIT */
/* Written for macOS: the handler counts under a lock, and main() reads the count in a loop and logs it. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <mach/mach_time.h>
#include <os/lock.h>
#include <os/log.h>
#include <stdio.h>

static os_unfair_lock lock = OS_UNFAIR_LOCK_INIT;
static unsigned long creates, writes;
static uint64_t worst;
static volatile sig_atomic_t stopped;

static void handle(const es_message_t *message)
{
	mach_timebase_info_data_t base;
	uint64_t late = mach_absolute_time() - message->mach_time;

	mach_timebase_info(&base);
	late = late * base.numer / base.denom;
	os_unfair_lock_lock(&lock);
	if (message->event_type == ES_EVENT_TYPE_NOTIFY_CREATE)
		creates++;
	else
		writes++;
	if (late > worst)
		worst = late;
	os_unfair_lock_unlock(&lock);
}

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

int main(void)
{
	os_log_t log = os_log_create("org.example.busy-loop", "events");
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_CREATE, ES_EVENT_TYPE_NOTIFY_WRITE };
	unsigned long seen = 0, now;
	es_client_t *client = NULL;

	setlinebuf(stdout);
	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		handle(message);
	}) != ES_NEW_CLIENT_RESULT_SUCCESS || es_subscribe(client, events, 2) != ES_RETURN_SUCCESS) {
		os_log_error(log, "can't start: %{public}s", "no client");
		return 1;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	printf("ready\n");
	while (!stopped) {
		os_unfair_lock_lock(&lock);
		now = creates + writes;
		os_unfair_lock_unlock(&lock);
		if (now != seen) {
			os_log(log, "%{public}lu events so far", now);
			seen = now;
		}
		usleep(1000);
	}
	es_delete_client(client);
	printf("%lu created, %lu written, %s\n", creates, writes, worst < 60 * 1000000000ull ? "in time" : "late");
	return 0;
}
