/* SPDX-License-Identifier: MIT */
/* Written for macOS: a C++ class around a client, with a table of handlers, and state that only the handlers use. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <dispatch/dispatch.h>

#include <functional>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

class Monitor {
public:
	using Handler = std::function<void(const es_message_t *)>;

	explicit Monitor(std::map<es_event_type_t, Handler> handlers) : handlers_(std::move(handlers))
	{
		auto result = es_new_client(&client_, ^(es_client_t *, const es_message_t *message) {
			auto handler = handlers_.find(message->event_type);
			if (handler != handlers_.end())
				handler->second(message);
		});
		if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
			throw std::runtime_error("es_new_client: " + std::to_string(result));
		std::vector<es_event_type_t> types;
		for (const auto &entry : handlers_)
			types.push_back(entry.first);
		if (es_subscribe(client_, types.data(), static_cast<uint32_t>(types.size())) != ES_RETURN_SUCCESS)
			throw std::runtime_error("es_subscribe");
	}

	Monitor(const Monitor &) = delete;
	~Monitor() { es_delete_client(client_); }

	size_t subscriptions() const
	{
		size_t count = 0;
		es_event_type_t *types = nullptr;
		if (es_subscriptions(client_, &count, &types) == ES_RETURN_SUCCESS)
			free(types);
		return count;
	}

private:
	es_client_t *client_ = nullptr;
	std::map<es_event_type_t, Handler> handlers_;
};

static std::string string(const es_string_token_t &token)
{
	return std::string(token.data, token.length);
}

int main()
{
	std::map<pid_t, std::string> running;		/* the library calls handlers one after the other: no lock */
	auto *processes = &running;
	Monitor *monitor = nullptr;

	try {
		monitor = new Monitor({
			{ ES_EVENT_TYPE_NOTIFY_EXEC, [processes](const es_message_t *message) {
				const es_event_exec_t *exec = &message->event.exec;
				std::string line;
				for (uint32_t i = 0; i < es_exec_arg_count(exec); i++)
					line += (i ? " " : "") + string(es_exec_arg(exec, i));
				(*processes)[audit_token_to_pid(exec->target->audit_token)] = line;
				std::cout << "start " << line << std::endl;
			} },
			{ ES_EVENT_TYPE_NOTIFY_EXIT, [processes](const es_message_t *message) {
				auto process = processes->find(audit_token_to_pid(message->process->audit_token));
				if (process == processes->end())
					return;
				std::cout << "end " << process->second << std::endl;
				processes->erase(process);
			} },
		});
	} catch (const std::exception &error) {
		std::cerr << error.what() << std::endl;
		return 1;
	}
	signal(SIGTERM, SIG_IGN);
	dispatch_source_t source = dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0,
							  dispatch_get_main_queue());
	dispatch_source_set_event_handler(source, ^{
		delete monitor;
		std::cout << "deleted" << std::endl;
		exit(0);
	});
	dispatch_resume(source);
	std::cout << "ready with " << monitor->subscriptions() << std::endl;
	dispatch_main();
}
