/* SPDX-License-Identifier: MIT */
#include "daemon/daemon.h"

#include "daemon/client.h"
#include "daemon/connection.h"
#include "util/clock.h"

int esd_daemon_init(struct esd_daemon *daemon)
{
	*daemon = (struct esd_daemon){ .started_ns = clock_ns(), .warden = ESD_WARDEN_NONE };
	TAILQ_INIT(&daemon->strangers);
	esd_scope_init(&daemon->scope);
	esd_deadline_init(&daemon->deadline);
	return loop_init(&daemon->loop);
}

void esd_daemon_deinit(struct esd_daemon *daemon)
{
	struct esd_connection *connection;

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (daemon->clients[slot])
			esd_connection_free(daemon->clients[slot]->connection);
	while ((connection = TAILQ_FIRST(&daemon->strangers)))
		esd_connection_free(connection);
	esd_sensor_freep(&daemon->sensor);
	daemon->sensor = NULL;
	esd_deadline_deinit(&daemon->deadline, &daemon->loop);
	esd_scope_deinit(&daemon->scope);
	esd_warden_end(&daemon->warden);
	loop_deinit(&daemon->loop);
}
