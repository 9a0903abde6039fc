#!/bin/sh
# Makes the secret files of docker-compose.yml that are missing, in the folder `secrets` beside it; touches none that is there.
# What the vendors give stays empty, to be filled in by you. The folder is yours alone; its files may be read by all, since
# containers mount them as they are and read them as users of their own.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets
umask 022

random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -e "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"; }

make postgres-password "$(random 24)"
make ledger-url "postgres://sync:$(cat secrets/postgres-password)@postgresql:5432/ledger"
make ledger-key "$(random 32)"
make payload-keys "first:$(head -c 32 /dev/urandom | base64)"
make codec-access-token "$(random 24)"
for name in dynamics-client-secret adobe-client-secret sftp-private-key; do
  [ -e "secrets/$name" ] || : >"secrets/$name"
done
echo 'The files are in secrets/. Keep a copy of ledger-key and payload-keys: without them neither ledger nor histories can be read.'
