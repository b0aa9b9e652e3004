#!/bin/sh
# Installs Adit as a systemd service, or a newer Adit over an older one. Run it as root in the folder of the release:
#
#   ./install.sh [--root FOLDER] [--signers FILE] [BINARY]
#
#   BINARY           the program; default: the one for this machine in the folder of this script
#   --root FOLDER    install below this folder and touch nothing else, for packages and for trying it out without root
#   --signers FILE   verify the signature of SHA256SUMS with the public keys in this file (see ssh-keygen(1), ALLOWED
#                    SIGNERS), which must come from elsewhere than the release
#
# Every file is compared with SHA256SUMS in the folder that it comes from; where there is none, the script says so.
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
signers=

# What is being written, until it is complete and takes its name.
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

# Whether the programs of this machine use musl, as Alpine's do. A loader of musl alone says nothing: Debian's package
# "musl" brings one for those who compile.
uses_musl() {
  case $(ldd /bin/sh 2>/dev/null || ldd --version 2>&1 || :) in
    *musl*) return 0 ;;
    *) return 1 ;;
  esac
}

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
  if uses_musl; then target=$target-musl; fi
  for found in "$here"/adit-*-"$target"; do
    [ -e "$found" ] || continue
    [ -z "$binary" ] || fail 'several programs for this machine lie beside this script: name one'
    binary=$found
  done
  [ -n "$binary" ] || fail "no adit-VERSION-$target lies beside this script"
fi
[ -f "$binary" ] || fail "there is no file \"$binary\""

if [ -n "$signers" ]; then
  command -v ssh-keygen >/dev/null || fail '--signers needs ssh-keygen'
  [ -f "$here/SHA256SUMS.sig" ] || fail "\"$here/SHA256SUMS\" is not signed: there is no SHA256SUMS.sig"
  ssh-keygen -Y verify -f "$signers" -I adit-release -n adit-release -s "$here/SHA256SUMS.sig" \
    <"$here/SHA256SUMS" >/dev/null 2>&1 || fail "the signature of \"$here/SHA256SUMS\" is not by a key of \"$signers\""
  say "$here/SHA256SUMS: signed by a key of $signers"
fi

# put SOURCE MODE: copies the file to a new one in the folder $to, whose name is then in $temporary, and compares the copy
# with the sums. What is checked is what will be used, whatever becomes of the source meanwhile.
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
  sum=$(sha256sum "$temporary" | cut -d ' ' -f 1)
  name=$(basename "$1")
  awk -v sum="$sum" -v name="$name" '$1 == sum && ($2 == name || $2 == "*" name) { found = 1 } END { exit !found }' \
    "$sums" || fail "\"$1\" does not match SHA256SUMS"
}
unverified=

# Gives the file that put made its name.
take() {
  mv -f "$temporary" "$1"
  temporary=
}

bin=$root/usr/local/bin
etc=$root/etc/adit
units=$root/etc/systemd/system
mkdir -p "$bin" "$etc" "$etc/credentials" "$units"
# Only root reads the credentials; systemd hands them over to the service.
chmod 700 "$etc/credentials"

# All of them before the first is installed; this script as well, as far as that can still help.
to=$etc
for file in "$(basename "$0")" adit.service adit.production.yaml adit.schema.json; do
  put "$here/$file" 600
  rm -f "$temporary"
done
temporary=

# Under a new name first: a program that runs cannot be written to, and half a program must never lie at its place.
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

# 3. The unit, and what helps to write a configuration.

to=$units
put "$here/adit.service" 644
take "$units/adit.service"
to=$etc
put "$here/adit.production.yaml" 644
take "$etc/adit.example.yaml"
put "$here/adit.schema.json" 644
take "$etc/adit.schema.json"
say "$units/adit.service: installed; what is your own goes into \"systemctl edit adit\""

# 4. The configuration, and a key for the first caller, unless there is one.

key=
if [ -e "$etc/adit.yaml" ]; then
  say "$etc/adit.yaml: left as it is"
else
  made=$("$bin/adit" keygen --name first-caller)
  key=$(printf '%s\n' "$made" | grep '^adit_')
  hash=$(printf '%s\n' "$made" | sed -n 's/^ *key: //p')
  temporary=$(mktemp "$etc/.adit.XXXXXXXX")
  cat >"$temporary" <<END
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
  chmod 644 "$temporary"
  take "$etc/adit.yaml"
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
