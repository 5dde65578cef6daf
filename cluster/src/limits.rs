//! Every capacity of Skiff, in one place. Past a limit there is an error that names the thing and the
//! limit; nothing is cut short in silence.

/// Longest unit name in bytes (contract §2.1; systemd's own limit is the same).
pub const UNIT_NAME_MAX_BYTES: usize = 256;
/// Longest unit file in bytes, in its serialised form.
pub const UNIT_FILE_MAX_BYTES: usize = 64 * 1024;
/// A line of a unit file has fewer bytes than this (contract §2.6).
pub const UNIT_LINE_MAX_BYTES: usize = 2048;
/// Most options in one unit file.
pub const UNIT_OPTIONS_MAX: usize = 4096;
/// Longest machine ID in characters; `/etc/machine-id` has 32, the guide's have 36.
pub const MACHINE_ID_MAX_BYTES: usize = 64;
/// Most metadata entries of one machine, configured and patched ones together.
pub const METADATA_ENTRIES_MAX: usize = 64;
/// Longest metadata key in bytes.
pub const METADATA_KEY_MAX_BYTES: usize = 128;
/// Longest metadata value in bytes.
pub const METADATA_VALUE_MAX_BYTES: usize = 256;
/// Longest address a machine publishes, in bytes.
pub const ADDRESS_MAX_BYTES: usize = 64;
/// Longest error text kept in a state row, in bytes; a longer one is cut with a mark.
pub const ERROR_TEXT_MAX_BYTES: usize = 512;
/// Largest value of one registry key in bytes: a unit file of which every byte needs an escape, and its frame.
pub const REGISTRY_VALUE_MAX_BYTES: usize = 2 * UNIT_FILE_MAX_BYTES + 1024;
/// Largest leaf node of an etcd answer in bytes: a registry value and its frame. etcd writes `<`, `>` and `&` as six
/// bytes each, so that a value of nothing else grows sixfold; a smaller limit would let one such unit fail every read.
pub const REGISTRY_LEAF_MAX_BYTES: usize = 6 * REGISTRY_VALUE_MAX_BYTES + 4096;
/// Largest etcd answer in bytes, of a whole tree; it is read as a stream and never held.
pub const REGISTRY_ANSWER_MAX_BYTES: usize = 256 * 1024 * 1024;
/// Most keys that are read of everything, three times those of 1,000 machines and 10,000 units; more fail the read.
pub const REGISTRY_CLUSTER_KEYS_MAX: usize = 128 * 1024;
/// Most bytes of values that are kept of everything, contents of unit files apart.
pub const REGISTRY_CLUSTER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of values that are kept of everything where the contents of unit files are among them.
pub const REGISTRY_FILES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most keys that are read of what concerns one machine: an assignment or a row of each unit it may hold, and the globals.
pub const REGISTRY_MACHINE_KEYS_MAX: usize = 2 * UNIT_DIR_ENTRIES_MAX;
/// Most bytes of values that are kept of what concerns one machine.
pub const REGISTRY_MACHINE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes read of an answer that is an error.
pub const REGISTRY_ERROR_MAX_BYTES: usize = 4096;
/// Most etcd endpoints of one configuration.
pub const REGISTRY_ENDPOINTS_MAX: usize = 16;
/// Buffer for each direction of one HTTP connection in bytes; an answer's header has to fit into one.
pub const HTTP_BUFFER_BYTES: usize = 4096;
/// Idle connections kept to one etcd endpoint by its requests and by its long polls, each.
pub const REGISTRY_IDLE_CONNECTIONS_MAX: usize = 3;
/// Deepest nesting accepted in any JSON document.
pub const JSON_DEPTH_MAX: usize = 64;
/// Fleets whose machines one layout may take over (`ctl registry adopt`); older ones fall out.
pub const ADOPTED_FLEETS_MAX: usize = 8;
/// Decisions kept in the registry for `ctl events`.
pub const EVENTS_KEPT_MAX: usize = 128;
/// Most bytes of all of them: what the leader writes after a pass that decided something.
pub const EVENTS_MAX_BYTES: usize = 24 * 1024;
/// Most bytes of one of them: two names, and a reason of which every byte needs an escape.
pub const EVENT_MAX_BYTES: usize = 6 * ERROR_TEXT_MAX_BYTES + 2 * UNIT_NAME_MAX_BYTES + 512;
/// Longest text of one field of a journal entry in bytes; a longer one is cut with a mark.
pub const JOURNAL_FIELD_MAX_BYTES: usize = 4096;
/// Longest name of a store that a registry is copied to, in bytes: its URLs or its folder.
pub const STORE_NAME_MAX_BYTES: usize = 1024;
/// How long a machine counts as alive in a copied registry before it has been seen there, in seconds.
pub const COPY_GRACE_SECONDS: u32 = 3600;
/// Machines whose refusals a plan keeps for one unplaced unit; `ctl explain` works out all of them.
pub const PLAN_REFUSALS_MAX: usize = 16;
/// Most unit names handed to one systemctl; more are split over several calls.
pub const SYSTEMCTL_NAMES_MAX: usize = 1024;
/// Most bytes of unit names handed to one systemctl, well under the kernel's limit for an argument list.
pub const SYSTEMCTL_NAMES_MAX_BYTES: usize = 96 * 1024;
/// Largest answer taken from one systemctl or journalctl; a full call's lines at systemd's longest description.
pub const SYSTEMCTL_OUTPUT_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes kept of what one systemctl says on stderr; the rest is read and dropped.
pub const SYSTEMCTL_ERRORS_MAX_BYTES: usize = 256 * 1024;
/// Most journal lines kept with a unit that failed.
pub const JOURNAL_LINES_MAX: usize = 50;
/// Longest kept journal line in bytes; a longer one is cut with a mark.
pub const JOURNAL_LINE_MAX_BYTES: usize = 512;
/// Longest `STATUS=` text given to systemd, in bytes; a longer one is cut with a mark.
pub const NOTIFY_STATUS_MAX_BYTES: usize = 512;
/// Most sockets taken over from systemd.
pub const LISTEN_FDS_MAX: usize = 32;
/// Most names taken from a units directory.
pub const UNIT_DIR_ENTRIES_MAX: usize = 16 * 1024;
/// Largest body of a request to the API in bytes: a unit of which every option is framed as a JSON object.
pub const API_REQUEST_MAX_BYTES: usize = 1024 * 1024;
/// Largest answer of the API in bytes that ctl reads: a listing of everything in a large cluster.
pub const API_ANSWER_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Largest unit file in bytes that ctl reads from disk, comments and blanks included.
pub const UNIT_SOURCE_MAX_BYTES: u64 = 1024 * 1024;
/// Largest configuration file in bytes.
pub const CONFIG_FILE_MAX_BYTES: usize = 64 * 1024;
/// Shortest `agent_ttl` in seconds (registry rule 14).
pub const AGENT_TTL_MIN_SECONDS: u32 = 3;
/// Longest `agent_ttl` in seconds: a day.
pub const AGENT_TTL_MAX_SECONDS: u32 = 86_400;
/// Shortest TTL of the leader's lease in seconds (registry rule 14).
pub const LEASE_TTL_MIN_SECONDS: u32 = 3;
/// Most addresses of the API opened by `listen=`.
pub const LISTEN_ADDRESSES_MAX: usize = 8;
/// Longest name of a client's certificate in bytes (X.520's own bound of a common name).
pub const CERTIFICATE_NAME_MAX_BYTES: usize = 64;
/// Most names of certificates that have one role of the API.
pub const ROLE_NAMES_MAX: usize = 256;
/// Longest path of a Unix socket in bytes (the kernel's `sun_path`, less its NUL).
pub const SOCKET_PATH_MAX_BYTES: usize = 107;
/// Most connections to the API served at a time; more are told 503.
pub const API_CONNECTIONS_MAX: usize = 64;
/// Most connections being told 503 at a time; more wait unaccepted in the kernel.
pub const API_REFUSALS_MAX: usize = 8;
/// Largest head of an API request (request line and headers) in bytes.
pub const API_HEAD_MAX_BYTES: usize = 8 * 1024;
/// Longest request target (path and query) in bytes.
pub const API_TARGET_MAX_BYTES: usize = 4 * 1024;
/// Most headers of one API request.
pub const API_HEADERS_MAX: usize = 64;
/// Most parts of a request's path.
pub const API_PATH_SEGMENTS_MAX: usize = 16;
/// Most parameters of a request's query.
pub const API_QUERY_PAIRS_MAX: usize = 32;
/// Largest body of one API request in bytes: a unit file of which every byte is a `\u00XX` escape, and the frame of
/// most options.
pub const API_BODY_MAX_BYTES: usize = 6 * UNIT_FILE_MAX_BYTES + 64 * UNIT_OPTIONS_MAX;
/// Most operations of one PATCH; each of them is a write, and each machine they name a read.
pub const API_PATCH_OPERATIONS_MAX: usize = 1024;
/// Most bytes of request bodies held at a time, over all connections; more are told 503.
pub const API_BODIES_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of a response gathered before they are sent; the chunk size of a streamed one.
pub const API_SEND_BUFFER_BYTES: usize = 32 * 1024;
/// Streamed responses up to this many bytes are sent whole, with their length (as Go's server does).
pub const API_WHOLE_BODY_MAX_BYTES: usize = 2 * 1024;
/// Longest time from the first byte of a request's head to its last, in seconds.
pub const API_HEAD_SECONDS: u64 = 10;
/// Longest time for the body of a request, in seconds.
pub const API_BODY_SECONDS: u64 = 30;
/// How long a connection may be open without a request, in seconds.
pub const API_IDLE_SECONDS: u64 = 60;
/// Longest time a client may take to accept one buffer of a response, in seconds.
pub const API_WRITE_SECONDS: u64 = 30;
/// How long running requests may go on after the server was told to stop, in seconds.
pub const API_DRAIN_SECONDS: u64 = 10;
/// How long unread bytes are taken and dropped before a refused connection is closed, in seconds.
pub const API_LINGER_SECONDS: u64 = 2;
/// Longest time a request for changes may wait for one, in milliseconds.
pub const API_CHANGES_WAIT_MAX_MS: u64 = 30_000;
/// Most units that one request for changes names.
pub const API_CHANGES_NAMES_MAX: usize = 16;
/// Most requests that wait for changes at a time; more are told 503. Fewer than connections, so that the API goes on.
pub const API_CHANGES_WAITERS_MAX: usize = 32;
/// Changes kept for requests that come a little later; whoever is further back is told to look at everything.
pub const API_CHANGES_KEPT_MAX: usize = 512;
/// Largest single object in an answer of the API in bytes: a unit as large as a request may make one, the reasons why
/// it is nowhere, or what each of some thousand machines says to it.
pub const API_OBJECT_MAX_BYTES: usize = 2 * API_BODY_MAX_BYTES;
