#!/bin/sh
# Installs Adit as a systemd service, or upgrades it. Run it as root in the folder of the release:
#
#   ./install.sh [--root FOLDER] [--signers FILE] [BINARY]
#
#   BINARY           the program; default: the one for this machine in the folder of this script
#   --root FOLDER    install below this folder and change nothing else: for packages, and for trials without root
#   --signers FILE   verify the signature of SHA256SUMS with the public keys in this file (see ssh-keygen(1), ALLOWED
#                    SIGNERS); do not download it from the same place as the release
#
# Every file is compared with SHA256SUMS in its folder; if there is none, the script says so. The script can be run again
# at any time: it does not start or stop the service, and keeps everything in /etc/adit except the example and the schema.
# The program that it replaces is kept as adit.previous in the same folder.

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
signers=

# The file that is being written, until it is complete and gets its final name.
temporary=
trap '[ -z "$temporary" ] || rm -f "$temporary"' EXIT
trap 'exit 1' HUP INT TERM

while [ $# -gt 0 ]; do
  case $1 in
    --root)
      [ $# -ge 2 ] || fail '--root needs a folder'
      root=${2%/}
      shift
      ;;
    --signers)
      [ $# -ge 2 ] || fail '--signers needs a file'
      signers=$2
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

# Whether this machine uses musl, like Alpine. A musl loader is not sufficient: Debian's package "musl" contains one for
# developers.
uses_musl() {
  case $(ldd /bin/sh 2>/dev/null || ldd --version 2>&1 || :) in
    *musl*) return 0 ;;
    *) return 1 ;;
  esac
}

# 1. Check the machine.

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail 'run it as root, or try it with --root FOLDER'
  command -v systemctl >/dev/null || fail 'systemd is not installed'
fi

# 2. Find the program, check all files, and install the program.

if [ -z "$binary" ]; then
  case $(uname -m) in
    x86_64) target=linux-x64 ;;
    aarch64) target=linux-arm64 ;;
    *) fail "unsupported processor \"$(uname -m)\"" ;;
  esac
  if uses_musl; then target=$target-musl; fi
  for found in "$here"/adit-*-"$target"; do
    [ -e "$found" ] || continue
    [ -z "$binary" ] || fail 'several programs for this machine are in the folder of this script: name one'
    binary=$found
  done
  [ -n "$binary" ] || fail "no adit-VERSION-$target in the folder of this script"
fi
[ -f "$binary" ] || fail "file \"$binary\" does not exist"

[ -z "$signers" ] || command -v ssh-keygen >/dev/null || fail '--signers needs ssh-keygen'

# check_signature SUMS: fails unless one of the signers has signed this list of checksums.
check_signature() {
  [ -f "$1.sig" ] || fail "\"$1\" is not signed: there is no SHA256SUMS.sig"
  ssh-keygen -Y verify -f "$signers" -I adit-release -n adit-release -s "$1.sig" <"$1" >/dev/null 2>&1 ||
    fail "the signature of \"$1\" is not by a key of \"$signers\""
  say "$1: signed by a key of $signers"
}
signed=

# put SOURCE MODE: copies the file to a new one in the folder $to, sets $temporary to its name, and compares the copy with
# the checksums. The copy is what gets installed, so a later change of the source has no effect.
put() {
  temporary=$(mktemp "$to/.adit.XXXXXXXX")
  cp "$1" "$temporary"
  chmod "$2" "$temporary"
  sums=$(dirname "$1")/SHA256SUMS
  if [ ! -f "$sums" ]; then
    [ -z "$signers" ] || fail "\"$1\" cannot be verified: there is no SHA256SUMS in its folder"
    case $unverified in
      *"$(dirname "$1")"*) ;;
      *) say "$(dirname "$1"): there is no SHA256SUMS, so nothing from this folder is verified" ;;
    esac
    unverified="$unverified $(dirname "$1")"
    return
  fi
  # A program given by its path is verified with the checksums in its own folder.
  if [ -n "$signers" ] && [ "$sums" != "$signed" ]; then
    check_signature "$sums"
    signed=$sums
  fi
  sum=$(sha256sum "$temporary" | cut -d ' ' -f 1)
  name=$(basename "$1")
  awk -v sum="$sum" -v name="$name" '$1 == sum && ($2 == name || $2 == "*" name) { found = 1 } END { exit !found }' \
    "$sums" || fail "\"$1\" does not match SHA256SUMS"
}
unverified=

# take NAME: gives the file from put its final name.
take() {
  mv -f "$temporary" "$1"
  temporary=
}

bin=$root/usr/local/bin
etc=$root/etc/adit
units=$root/etc/systemd/system
mkdir -p "$bin" "$etc" "$etc/credentials" "$units"
# Only root reads the credentials; systemd passes them to the service.
chmod 700 "$etc/credentials"

# Verify all files before installing the first one, and also this script, although it is already running.
to=$etc
for file in "$(basename "$0")" adit.service adit.production.yaml adit.schema.json; do
  put "$here/$file" 600
  rm -f "$temporary"
done
temporary=

# Under a new name first: a running program cannot be overwritten, and an incomplete one must never have the final name.
to=$bin
put "$binary" 755
version=$("$temporary" version) || fail "\"$binary\" does not run on this machine"
if [ -e "$bin/adit" ] && cmp -s "$temporary" "$bin/adit"; then
  rm -f "$temporary"
  temporary=
  say "$bin/adit: already $version"
else
  [ ! -e "$bin/adit" ] || ln -f "$bin/adit" "$bin/adit.previous"
  take "$bin/adit"
  say "$bin/adit: $version"
fi

# 3. Install the unit, the example and the schema.

to=$units
put "$here/adit.service" 644
take "$units/adit.service"
to=$etc
put "$here/adit.production.yaml" 644
take "$etc/adit.example.yaml"
put "$here/adit.schema.json" 644
take "$etc/adit.schema.json"
say "$units/adit.service: installed; make your own changes with \"systemctl edit adit\""

# The manual page, which the unit refers to.
man=$root/usr/local/share/man/man1
mkdir -p "$man"
temporary=$(mktemp "$man/.adit.XXXXXXXX")
if "$bin/adit" man >"$temporary" 2>/dev/null; then
  chmod 644 "$temporary"
  take "$man/adit.1"
else
  # Older versions have none.
  rm -f "$temporary"
  temporary=
fi

# 4. Write a configuration and a key for the first caller, unless a configuration exists.

key=
if [ -e "$etc/adit.yaml" ]; then
  say "$etc/adit.yaml: kept"
else
  made=$("$bin/adit" keygen --name first-caller)
  key=$(printf '%s\n' "$made" | grep '^adit_')
  hash=$(printf '%s\n' "$made" | sed -n 's/^ *key: //p')
  temporary=$(mktemp "$etc/.adit.XXXXXXXX")
  cat >"$temporary" <<END
# yaml-language-server: \$schema=./adit.schema.json
#
# Adit for Amazon Bedrock. adit.example.yaml in this folder shows more. A saved change takes effect at once; an invalid
# file is rejected, the running configuration stays, and the log says why.

listen: 127.0.0.1:8080
admin: 127.0.0.1:9090

providers:
  bedrock:
    type: bedrock
    region: us-east-1 # your region
    # Default credentials: AWS's default credential chain (environment, ~/.aws, SSO, web identity, container, instance).

models:
  claude-haiku:
    provider: bedrock
    id: us.anthropic.claude-haiku-4-5-20251001-v1:0

callers:
  first-caller:
    key: $hash
    models: ["*"]
END
  chmod 644 "$temporary"
  take "$etc/adit.yaml"
  say "$etc/adit.yaml: written, with a first caller"
fi

# 5. Check everything as the service will use it.

problems=0
CREDENTIALS_DIRECTORY=$etc/credentials "$bin/adit" check --config "$etc/adit.yaml" || problems=1
if [ -z "$root" ]; then
  systemd-analyze verify --man=no "$units/adit.service" || problems=1
  systemctl daemon-reload
fi

if [ -n "$key" ]; then
  say ''
  say 'Key of the first caller. Adit stores only its hash, so this is the only time it is shown:'
  say "  $key"
fi

say ''
say 'Next steps:'
[ $problems = 0 ] || say '  - fix the problems above'
say "  - set the region and the models:  \$EDITOR $etc/adit.yaml"
say '  - start it now and at boot:        systemctl enable --now adit'
say '  - or, after an upgrade:            systemctl restart adit'
say '  - watch it:                        systemctl status adit; journalctl -u adit'
