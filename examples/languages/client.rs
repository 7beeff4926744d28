// SPDX-License-Identifier: MIT
//! Rust by the C ABI, with no crate: prints what starts until its input ends.
//!
//!	rustc client.rs -l EndpointSecurity
//!
//! Declares only what it uses; bindgen generates the rest from EndpointSecurity.h.

use std::ffi::{c_void, CStr};
use std::io::Read;
use std::os::raw::{c_char, c_int};

#[repr(C)]
struct Token {
    length: usize,
    data: *const c_char,
}

#[repr(C)]
struct File {
    path: Token,
}

/// es_process_t up to its executable.
#[repr(C)]
struct Process {
    audit_token: [u32; 8],
    ppid: i32,
    original_ppid: i32,
    group_id: i32,
    session_id: i32,
    codesigning_flags: u32,
    is_platform_binary: bool,
    is_es_client: bool,
    cdhash: [u8; 20],
    signing_id: Token,
    team_id: Token,
    executable: *const File,
}

/// es_message_t up to its event. Only the exec event is declared.
#[repr(C)]
struct Message {
    version: u32,
    time: [i64; 2],
    mach_time: u64,
    deadline: u64,
    process: *const Process,
    seq_num: u64,
    action_type: u32,
    action: [u32; 9],
    event_type: u32,
    exec_target: *const Process,
}

type Handler = extern "C" fn(*mut c_void, *const Message, *mut c_void);

extern "C" {
    fn es_new_client_f(client: *mut *mut c_void, handler: Handler, context: *mut c_void) -> c_int;
    fn es_subscribe(client: *mut c_void, events: *const u32, count: u32) -> c_int;
    fn es_delete_client(client: *mut c_void) -> c_int;
}

const ES_EVENT_TYPE_NOTIFY_EXEC: u32 = 9;

extern "C" fn handle(_client: *mut c_void, message: *const Message, _context: *mut c_void) {
    let path = unsafe { CStr::from_ptr((*(*(*message).exec_target).executable).path.data) };
    println!("exec {}", path.to_string_lossy());
}

fn main() {
    let mut client = std::ptr::null_mut();
    let events = [ES_EVENT_TYPE_NOTIFY_EXEC];
    unsafe {
        if es_new_client_f(&mut client, handle, std::ptr::null_mut()) != 0
            || es_subscribe(client, events.as_ptr(), 1) != 0
        {
            std::process::exit(1);
        }
    }
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    unsafe {
        es_delete_client(client);
    }
}
