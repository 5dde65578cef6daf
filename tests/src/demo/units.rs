//! The unit files of the walk: the guide's, with a loop of the shell where the guide has a docker container, since a demo
//! cannot count on docker. Everything that concerns Skiff in them is the guide's to the letter.

use crate::demo::keys::Keys;

/// A file name and what is in the file.
pub type UnitFile = (&'static str, &'static str);

/// "Run a Container in the Cluster". Its output goes to a file, because this computer may have no journal.
pub const MYAPP: UnitFile = (
    "myapp.service",
    "[Unit]
Description=MyApp

[Service]
ExecStart=/bin/sh -c \"while true; do echo Hello World; sleep 1; done\"
StandardOutput=append:%t/myapp.log
",
);

/// "Run a High Availability Service", the first copy.
pub const APACHE_1: UnitFile = (
    "apache.1.service",
    "[Unit]
Description=My Apache Frontend

[Service]
ExecStart=/bin/sh -c \"while true; do sleep 1; done\"

[X-Fleet]
Conflicts=apache.*.service
",
);

/// "Run a High Availability Service", the second copy.
pub const APACHE_2: UnitFile = ("apache.2.service", APACHE_1.1);

/// "Run a Simple Sidekick", beside the first copy.
pub const DISCOVERY_1: UnitFile = (
    "apache-discovery.1.service",
    "[Unit]
Description=Announce Apache1
BindsTo=apache.1.service

[Service]
ExecStart=/bin/sh -c \"while true; do etcdctl set /services/website/apache1 '{ \\\"host\\\": \\\"%H\\\", \\\"port\\\": 80, \\\"version\\\": \\\"52c7248a14\\\" }' --ttl 60;sleep 45;done\"
ExecStop=/usr/bin/etcdctl rm /services/website/apache1

[X-Fleet]
MachineOf=apache.1.service
",
);

/// "Run a Simple Sidekick", beside the second copy: the first with every 1 turned into a 2, as the guide says.
pub const DISCOVERY_2: UnitFile = (
    "apache-discovery.2.service",
    "[Unit]
Description=Announce Apache2
BindsTo=apache.2.service

[Service]
ExecStart=/bin/sh -c \"while true; do etcdctl set /services/website/apache2 '{ \\\"host\\\": \\\"%H\\\", \\\"port\\\": 80, \\\"version\\\": \\\"52c7248a14\\\" }' --ttl 60;sleep 45;done\"
ExecStop=/usr/bin/etcdctl rm /services/website/apache2

[X-Fleet]
MachineOf=apache.2.service
",
);

/// The first sidekick where the fleet has a store of its own, and this computer perhaps no etcdctl.
pub const STORE_DISCOVERY_1: UnitFile = (
    "apache-discovery.1.service",
    "[Unit]
Description=Announce Apache1
BindsTo=apache.1.service

[Service]
ExecStart=/bin/sh -c \"while true; do %h/store-request PUT /services/website/apache1 'value=%H:80&ttl=60'; sleep 45; done\"
ExecStop=/bin/sh -c \"%h/store-request DELETE /services/website/apache1\"

[X-Fleet]
MachineOf=apache.1.service
",
);

/// The second one, likewise.
pub const STORE_DISCOVERY_2: UnitFile = (
    "apache-discovery.2.service",
    "[Unit]
Description=Announce Apache2
BindsTo=apache.2.service

[Service]
ExecStart=/bin/sh -c \"while true; do %h/store-request PUT /services/website/apache2 'value=%H:80&ttl=60'; sleep 45; done\"
ExecStop=/bin/sh -c \"%h/store-request DELETE /services/website/apache2\"

[X-Fleet]
MachineOf=apache.2.service
",
);

/// "Run a Global Unit".
pub const DATADOG: UnitFile = (
    "datadog.service",
    "[Unit]
Description=Monitoring Service

[Service]
ExecStart=/bin/sh -c \"while true; do sleep 1; done\"

[X-Fleet]
Global=true
",
);

/// "Schedule Based on Machine Metadata": much disk I/O, anywhere with a fast disk.
pub const DISK: UnitFile = (
    "database.service",
    "[Service]
ExecStart=/bin/sleep infinity

[X-Fleet]
ConditionMachineMetadata=disk=ssd
",
);

/// The same chapter: three providers, one region. This one fits the first machine only.
pub const WEBAPP_METAL: UnitFile = (
    "webapp-metal.service",
    "[Service]
ExecStart=/bin/sleep infinity

[X-Fleet]
Conflicts=webapp*
MachineMetadata=provider=rackspace
MachineMetadata=platform=metal
MachineMetadata=region=east
",
);

/// This one fits the second machine only.
pub const WEBAPP_CLOUD: UnitFile = (
    "webapp-cloud.service",
    "[Service]
ExecStart=/bin/sleep infinity

[X-Fleet]
Conflicts=webapp*
MachineMetadata=provider=rackspace
MachineMetadata=platform=cloud
MachineMetadata=region=east
",
);

/// And this one the third.
pub const WEBAPP_AMAZON: UnitFile = (
    "webapp-amazon.service",
    "[Service]
ExecStart=/bin/sleep infinity

[X-Fleet]
Conflicts=webapp*
MachineMetadata=provider=amazon
MachineMetadata=platform=cloud
MachineMetadata=region=east
",
);

/// A template, whose instances keep apart from each other.
pub const WEB: UnitFile = (
    "web@.service",
    "[Unit]
Description=Copy %i of the web server

[Service]
ExecStart=/bin/sleep infinity

[X-Fleet]
Conflicts=%p@*.service
",
);

/// The files that are the same whoever keeps the fleet's keys.
const SAME: [UnitFile; 9] =
    [MYAPP, APACHE_1, APACHE_2, DATADOG, DISK, WEBAPP_METAL, WEBAPP_CLOUD, WEBAPP_AMAZON, WEB];

/// Every file, as they are laid into the folder of the walk.
pub fn all(keys: Keys) -> impl Iterator<Item = UnitFile> {
    let sidekicks =
        if keys.in_etcd() { [DISCOVERY_1, DISCOVERY_2] } else { [STORE_DISCOVERY_1, STORE_DISCOVERY_2] };
    SAME.into_iter().chain(sidekicks)
}
