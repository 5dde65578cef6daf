#!/bin/sh
# Makes the certificates of the TLS tests anew: an authority, a server and a client it vouches for, a stranger.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }
authority() { key "$1"; openssl req -x509 -new -key "$1.key" -days 36500 -subj "/CN=$1" -out "$1.pem"; }
vouched() {
  key "$1"
  printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$2" > ext
  openssl req -new -key "$1.key" -subj "/CN=$1" | openssl x509 -req -CA authority.pem -CAkey authority.key \
    -CAcreateserial -days 36500 -extfile ext -out "$1.pem"
}
authority authority
authority stranger
vouched server IP:127.0.0.1,DNS:localhost
vouched client DNS:client
rm -f ext authority.srl authority.key stranger.key
