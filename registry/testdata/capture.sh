#!/bin/sh
# Captures the answers that the tests of registry/src/etcd decode, from a real etcd: run it beside an empty
# one started with --enable-v2 and commit what changed.   usage: capture.sh http://127.0.0.1:2379
set -eu
cd "$(dirname "$0")"
keys="$1/v2/keys"
fleet="$keys/_coreos.com/fleet"

ask() { file=$1; shift; curl --silent --show-error --max-time 5 --output "$file" "$@"; }
put() { curl --silent --show-error --max-time 5 --output /dev/null -X PUT "$@"; }

value='{"v":1,"file":"[Service]\nExecStart=/bin/sh -c \"echo <a> & b; \\u0041\"\n","unicode":"é😀"}'
ask create.json      -X PUT "$fleet/units/web.service?prevExist=false" --data-urlencode "value=$value"
ask exists.json      -X PUT "$fleet/units/web.service?prevExist=false" -d value=other
ask swap.json        -X PUT "$fleet/units/web.service?prevIndex=4" --data-urlencode "value=$value"
ask compare.json     -X PUT "$fleet/units/web.service?prevIndex=4" -d value=other
put "$fleet/units/tmpl@.service" -d 'value='
put "$fleet/units/dev-disk%5Cx2duuid.mount" -d 'value=tab	here'
put "$fleet/machines/m1/presence?ttl=600" -d 'value={"id":"m1"}'
put "$fleet/machines/m1/assigned/gone" -d value=x
curl --silent --output /dev/null -X DELETE "$fleet/machines/m1/assigned/gone"
ask leaf.json        "$fleet/units/web.service?quorum=true"
ask leaf_ttl.json    "$fleet/machines/m1/presence?quorum=true"
ask tree.json        "$fleet?recursive=true&quorum=true"
ask dir.json         "$fleet/units"
ask empty_dir.json   "$fleet/machines/m1/assigned?recursive=true"
ask missing.json     "$fleet/nothing"
ask event.json       "$fleet?wait=true&recursive=true&waitIndex=5"
ask delete.json      -X DELETE "$fleet/units/web.service?prevIndex=5"
ask delete_tree.json -X DELETE "$fleet/machines?recursive=true"
ask not_a_file.json  -X PUT "$fleet/units?prevIndex=4" -d value=x
i=0
while [ $i -lt 1005 ]; do i=$((i + 1)); put "$keys/other" -d value=x; done
ask overrun.json     "$fleet?wait=true&recursive=true&waitIndex=5"
