// SPDX-License-Identifier: MIT
// C++ with any compiler: prints what starts until its input ends.
//
//	g++ client.cpp $(pkg-config --cflags --libs EndpointSecurity) -o client
#include <EndpointSecurity/ESLinux.h>

#include <cstdio>
#include <iostream>

static void handle(es_client_t *, const es_message_t *message, void *)
{
	std::cout << "exec " << message->event.exec.target->executable->path.data << std::endl;
}

int main()
{
	es_event_type_t types[] = { ES_EVENT_TYPE_NOTIFY_EXEC };
	es_client_t *client = nullptr;

	if (es_new_client_f(&client, handle, nullptr) != ES_NEW_CLIENT_RESULT_SUCCESS ||
	    es_subscribe(client, types, 1) != ES_RETURN_SUCCESS)
		return 1;
	std::cout << "ready" << std::endl;
	while (getchar() != EOF)
		;
	return es_delete_client(client);
}
