// SPDX-License-Identifier: MIT

// Go by cgo: prints what starts until its input ends.
//
//	go build client.go
package main

/*
#cgo pkg-config: EndpointSecurity
#include <EndpointSecurity/ESLinux.h>

extern void goHandle(char *path);

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	goHandle((char *)message->event.exec.target->executable->path.data);
}

static es_client_t *start(void)
{
	es_event_type_t types[] = { ES_EVENT_TYPE_NOTIFY_EXEC };
	es_client_t *client;

	if (es_new_client_f(&client, handle, NULL) || es_subscribe(client, types, 1))
		return NULL;
	return client;
}
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
)

//export goHandle
func goHandle(path *C.char) {
	fmt.Println("exec", C.GoString(path))
}

func main() {
	runtime.LockOSThread() // only the thread that made a client may delete it
	client := C.start()
	if client == nil {
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	C.es_delete_client(client)
}
