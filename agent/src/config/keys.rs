//! The keys of the configuration, their defaults and what became of those that fleet had and Skiff has no use for
//! (contract §4.2). What a value must look like is `settings`' business.

/// Declares the keys in one table, so that name, default and standing cannot drift apart.
macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident $name:literal = $default:literal $(, no effect: $why:literal)?;)*) => {
        /// One key of the configuration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Key { $($(#[$doc])* $variant),* }

        impl Key {
            /// Every key, in the order of the table.
            pub(super) const ALL: &[Key] = &[$(Key::$variant),*];

            /// The key as files spell it.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Key::$variant => $name),* }
            }

            /// The value that holds where nothing sets one.
            pub(super) const fn default(self) -> &'static str {
                match self { $(Key::$variant => $default),* }
            }

            /// Why the key is accepted but does nothing; `None` for all that do something.
            pub(super) const fn why_no_effect(self) -> Option<&'static str> {
                match self { $(Key::$variant => keys!(@why $($why)?)),* }
            }
        }
    };
    (@why) => { None };
    (@why $why:literal) => { Some($why) };
}

keys! {
    Verbosity "verbosity" = "0";
    EtcdServers "etcd_servers" = "http://127.0.0.1:2379,http://127.0.0.1:4001";
    EtcdUsername "etcd_username" = "";
    EtcdPassword "etcd_password" = "";
    EtcdKeyfile "etcd_keyfile" = "";
    EtcdCertfile "etcd_certfile" = "";
    EtcdCafile "etcd_cafile" = "";
    EtcdInsecureSkipVerify "etcd_insecure_skip_verify" = "false";
    EtcdKeyPrefix "etcd_key_prefix" = "/_coreos.com/fleet/";
    EtcdRequestTimeout "etcd_request_timeout" = "1.0";
    StoreDir "store_dir" = "";
    StoreListen "store_listen" = "";
    Durability "durability" = "durable";
    EngineReconcileInterval "engine_reconcile_interval" = "2.0";
    DisableEngine "disable_engine" = "false";
    PublicIp "public_ip" = "";
    Metadata "metadata" = "";
    AgentTtl "agent_ttl" = "30s";
    UnitsDirectory "units_directory" = "/run/fleet/units/";
    RuntimeDirectory "runtime_directory" = "/run/fleet";
    SystemdUser "systemd_user" = "false";
    MachineId "machine_id" = "";
    TokenLimit "token_limit" = "100";
    Listen "listen" = "";
    ApiCertfile "api_certfile" = "";
    ApiKeyfile "api_keyfile" = "";
    ApiCafile "api_cafile" = "";
    ApiRead "api_read" = "";
    ApiOperate "api_operate" = "";
    OnStop "on_stop" = "leave";
    EnableGrpc "enable_grpc" = "false", no effect: "machines talk through etcd only";
    DisableWatches "disable_watches" = "false", no effect: "the agent lives on its watches, a timer alone would be slower and cost more";
    VerifyUnits "verify_units" = "false", no effect: "fleet itself had dropped it";
    AuthorizedKeysFile "authorized_keys_file" = "", no effect: "fleet itself had dropped it";
}

/// What the variable of a key begins with.
pub(super) const VARIABLE_PREFIX: &str = "FLEET_";

impl Key {
    /// The key of that name, in lower case.
    pub(super) fn named(name: &str) -> Option<Key> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// The environment variable of the key.
    pub(super) fn variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name().to_ascii_uppercase())
    }

    /// True if a value of it may not be shown: it is a password, or a URL that seems to hold one.
    pub(super) fn hides(self, value: &str) -> bool {
        self == Self::EtcdPassword || (self == Self::EtcdServers && value.contains('@'))
    }
}
