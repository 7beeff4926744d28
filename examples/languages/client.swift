// SPDX-License-Identifier: MIT
//
// Swift, as for macOS: prints what starts until its input ends.
//
//	swiftc -Xcc -fblocks $(pkg-config --cflags --libs-only-L EndpointSecurity) client.swift -o client

import EndpointSecurity
import Foundation

setlinebuf(stdout)

var client: OpaquePointer?
let made = es_new_client(&client) { _, message in
	guard message.pointee.event_type == ES_EVENT_TYPE_NOTIFY_EXEC else { return }
	let path = message.pointee.event.exec.target.pointee.executable.pointee.path
	let bytes = UnsafeRawBufferPointer(start: path.data, count: path.length)
	print("exec \(String(decoding: bytes, as: UTF8.self))")
}
guard made == ES_NEW_CLIENT_RESULT_SUCCESS, let client else {
	print("es_new_client: \(made.rawValue)")
	exit(1)
}
guard es_subscribe(client, [ES_EVENT_TYPE_NOTIFY_EXEC], 1) == ES_RETURN_SUCCESS else {
	exit(1)
}
print("ready")
while readLine() != nil {}
es_delete_client(client)
