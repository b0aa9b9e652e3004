#!/bin/sh
# Installs Adit as a systemd service, or a newer Adit over an older one. Run it as root in the folder of the release:
#
#   ./install.sh [--root FOLDER] [BINARY]
#
#   BINARY          the program; default: the one for this machine that lies beside this script
#   --root FOLDER   install below this folder and touch nothing else, for packages and for trying it out without root
#
# It may be run again at any time: it starts and stops nothing, and what is below /etc/adit it leaves as it is, but for
# the example and the schema. The program that it replaces stays beside the new one as adit.previous.

set -eu
umask 022

say() { printf '%s\n' "$*"; }
fail() {
  printf 'Cannot install Adit: %s\n' "$*" >&2
  exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
root=
binary=

while [ $# -gt 0 ]; do
  case $1 in
    --root)
      [ $# -ge 2 ] || fail '--root needs a folder'
      root=${2%/}
      shift
      ;;
    -h | --help)
      sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) fail "unknown option \"$1\"" ;;
    *) binary=$1 ;;
  esac
  shift
done

# 1. Is this a machine to install on?

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail 'only root may; --root FOLDER tries it out without'
  command -v systemctl >/dev/null || fail 'there is no systemd here'
fi

# 2. The program, which must be whole and must run here.

if [ -z "$binary" ]; then
  case $(uname -m) in
    x86_64) target=linux-x64 ;;
    aarch64) target=linux-arm64 ;;
    *) fail "there is no Adit for the processor \"$(uname -m)\"" ;;
  esac
  # Alpine and its like have musl where others have glibc.
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || target=$target-musl
  done
  for found in "$here"/adit-*-"$target"; do
    [ -e "$found" ] || continue
    [ -z "$binary" ] || fail 'several programs for this machine lie beside this script: name one'
    binary=$found
  done
  [ -n "$binary" ] || fail "no adit-VERSION-$target lies beside this script"
fi
[ -f "$binary" ] || fail "there is no file \"$binary\""

sums=$(dirname "$binary")/SHA256SUMS
if [ -f "$sums" ]; then
  sum=$(sha256sum "$binary" | cut -d ' ' -f 1)
  grep -q "^$sum  $(basename "$binary")\$" "$sums" || fail "\"$binary\" is not what SHA256SUMS says"
fi

bin=$root/usr/local/bin
etc=$root/etc/adit
units=$root/etc/systemd/system
mkdir -p "$bin" "$etc" "$etc/credentials" "$units"
# Only root reads the credentials; systemd hands them over to the service.
chmod 700 "$etc/credentials"

# Under a new name first: a program that runs cannot be written to, and half a program must never lie at its place.
cp "$binary" "$bin/adit.new"
chmod 755 "$bin/adit.new"
version=$("$bin/adit.new" version) || {
  rm -f "$bin/adit.new"
  fail "\"$binary\" does not run on this machine"
}
if [ -e "$bin/adit" ] && cmp -s "$bin/adit.new" "$bin/adit"; then
  rm -f "$bin/adit.new"
  say "$bin/adit: already $version"
else
  [ ! -e "$bin/adit" ] || ln -f "$bin/adit" "$bin/adit.previous"
  mv -f "$bin/adit.new" "$bin/adit"
  say "$bin/adit: $version"
fi

# 3. The unit, and what helps to write a configuration.

cp "$here/adit.service" "$units/adit.service"
cp "$here/adit.production.yaml" "$etc/adit.example.yaml"
cp "$here/adit.schema.json" "$etc/adit.schema.json"
say "$units/adit.service: installed; what is your own goes into \"systemctl edit adit\""

# 4. The configuration, and a key for the first caller, unless there is one.

key=
if [ -e "$etc/adit.yaml" ]; then
  say "$etc/adit.yaml: left as it is"
else
  made=$("$bin/adit" keygen --name first-caller)
  key=$(printf '%s\n' "$made" | grep '^adit_')
  hash=$(printf '%s\n' "$made" | sed -n 's/^ *key: //p')
  cat >"$etc/adit.yaml" <<END
# yaml-language-server: \$schema=./adit.schema.json
#
# Adit in front of Amazon Bedrock. adit.example.yaml beside this file shows more. Saving this file is enough: Adit takes
# the change, or says in its log what is wrong with it and goes on as before.

listen: 127.0.0.1:8080
admin: 127.0.0.1:9090

providers:
  bedrock:
    type: bedrock
    region: us-east-1 # yours
    # Without "credentials", AWS's default chain finds them: environment, ~/.aws, SSO, web identity, container, instance.

models:
  claude-haiku:
    provider: bedrock
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0

callers:
  first-caller:
    key: $hash
    models: ["*"]
END
  say "$etc/adit.yaml: written, with a first caller"
fi

# 5. Everything as the service will find it.

problems=0
CREDENTIALS_DIRECTORY=$etc/credentials "$bin/adit" check --config "$etc/adit.yaml" || problems=1
if [ -z "$root" ]; then
  systemd-analyze verify --man=no "$units/adit.service" || problems=1
  systemctl daemon-reload
fi

if [ -n "$key" ]; then
  say ''
  say 'The key of the first caller. Adit keeps only its hash, so this is the last time that it is seen:'
  say "  $key"
fi

say ''
say 'What is left to do:'
[ $problems = 0 ] || say '  - mend what is complained of above'
say "  - set the region and the models:  \$EDITOR $etc/adit.yaml"
say '  - start it, now and at each boot:  systemctl enable --now adit'
say '  - or, over an older version:       systemctl restart adit'
say '  - see how it does:                 systemctl status adit; journalctl -u adit'
