/* SPDX-License-Identifier: MIT */
/*
 * Objective-C with GNUstep: prints what starts until its input ends.
 *
 *	es-clang client.m -framework Foundation -framework EndpointSecurity -o client
 */
#import <Foundation/Foundation.h>
#import <EndpointSecurity/EndpointSecurity.h>

@interface Monitor : NSObject {
	es_client_t *client;
}
- (BOOL)start;
- (void)stop;
@end

@implementation Monitor

- (BOOL)start
{
	es_event_type_t types[] = { ES_EVENT_TYPE_NOTIFY_EXEC };

	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		@autoreleasepool {
			es_string_token_t path = message->event.exec.target->executable->path;
			NSString *string = [[[NSString alloc] initWithBytes:path.data
								     length:path.length
								   encoding:NSUTF8StringEncoding] autorelease];

			printf("%s\n", [[NSString stringWithFormat:@"exec %@", string] UTF8String]);
		}
	}) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return NO;
	return es_subscribe(client, types, 1) == ES_RETURN_SUCCESS;
}

- (void)stop
{
	es_delete_client(client);
}

@end

int main(void)
{
	@autoreleasepool {
		Monitor *monitor = [[Monitor alloc] init];

		setlinebuf(stdout);
		if (![monitor start])
			return 1;
		puts("ready");
		while (getchar() != EOF)
			;
		[monitor stop];
		[monitor release];
	}
	return 0;
}
