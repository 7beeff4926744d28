-- SPDX-License-Identifier: MIT
-- Written for macOS: LuaJIT, which reads the preprocessed headers and calls the library with no C of its own.
--
--	luajit events.lua HEADERS LIBRARY
--
-- HEADERS is what "cpp" makes of EndpointSecurity.h: attributes, block types and fixed types of enums are taken out
-- here, as LuaJIT's parser doesn't know them. A handler can't be a Lua function, since it is called on another thread:
-- so this only asks what a client without a handler can ask.
local ffi = require("ffi")

local path, library = ...
local file = assert(io.open(path))
local text = file:read("*a")
file:close()

text = text:gsub("#[^\n]*", "")
text = text:gsub("__attribute__%s*%b()", "")
text = text:gsub("_Nonnull", ""):gsub("_Nullable", "")
text = text:gsub("%(%^%s*([%w_]*)%s*%)%s*%b()", "*%1")	-- block types
text = text:gsub("enum(%s*[%w_]*)%s*:%s*[%w_ ]+{", "enum%1 {")
text = text:gsub("__extension__", ""):gsub("__restrict", "")
text = text:gsub("static __inline[^;{]*%b{}", "")

-- The API's own part: what comes before are the C library's headers, which LuaJIT knows in another form.
local start = assert(text:find("typedef struct%s*{%s*unsigned int val%[8%];"), "no audit_token_t")
ffi.cdef([[
typedef int pid_t; typedef unsigned int uid_t, gid_t, mode_t; typedef unsigned long dev_t; typedef long off_t;
struct timespec { long tv_sec; long tv_nsec; };
struct timeval { long tv_sec; long tv_usec; };
struct stat { char opaque[144]; };
]])
ffi.cdef(text:sub(start))

local es = ffi.load(library)
assert(ffi.sizeof("audit_token_t") == 32)
assert(tonumber(ffi.C.ES_EVENT_TYPE_NOTIFY_EXEC) == 9)
print("es_message_t has " .. ffi.sizeof("es_message_t") .. " bytes")
print("version at " .. ffi.offsetof("es_message_t", "version") .. ", event at " .. ffi.offsetof("es_message_t", "event"))
print("es_unsubscribe_all without a client: " .. tonumber(es.es_unsubscribe_all(nil)))
