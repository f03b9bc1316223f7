#!/bin/sh
# Installs the Landfall agent on this host, enrols it and starts it. Safe to run again: that upgrades it.
#
#   curl -fsS https://PORTAL/agent/install | sudo sh -s -- --key KEY --portal https://PORTAL --release-key FINGERPRINT
#
#   --portal URL       the portal (https, or http on loopback)
#   --key KEY          the one-off key that the portal showed; --token is the same
#   --release-key FP   the release key's fingerprint, as your provider publishes it: compare it with theirs
#   --duties LIST      host, connector, or host,connector        (default: host)
#   --host-name NAME   this host's name in its vCenter           (default: the host's own)
#   --machines DIR     the folder with one folder per machine    (default: /var/lib/landfall-machines)
#   --listen H:P       where other agents connect                (default: 0.0.0.0:7443)
#   --advertise H:P    the same as others see it                 (default: host name and port of --listen)
#   --ca FILE          the authority of the portal's certificate (default: the system's)
#   --proxy URL        an HTTP proxy on the way to the portal    (default: HTTPS_PROXY's)
#   --package SRC      URL or folder of the release              (default: PORTAL/agent/release)
#   --prefix DIR       where it goes                             (default: /opt/landfall-agent)
#   --state DIR        the agent's own folder                    (default: /var/lib/landfall-agent)
#   --replace-key      trust --release-key from now on, in place of the key that this host trusts
#   --allow-downgrade  take a release that is older than the one installed
#   --no-start         enrol only
#   --no-systemd       run it by a loop in the background, even where systemd runs
#   --uninstall        end it and remove all of it; refused while a migration needs what it holds
set -eu

PORTAL='' TOKEN='' RELEASE_KEY='' DUTIES=host HOST_NAME=$(uname -n) MACHINES=/var/lib/landfall-machines
LISTEN=0.0.0.0:7443 ADVERTISE='' CA='' PROXY='' PACKAGE='' START=yes UNINSTALL=no SYSTEMD=no
REPLACE_KEY=no DOWNGRADE=no PREFIX=/opt/landfall-agent STATE=/var/lib/landfall-agent
UNIT=/etc/systemd/system/landfall-agent.service
[ ! -d /run/systemd/system ] || SYSTEMD=yes

say() { printf 'landfall agent: %s\n' "$*"; }
fail() { printf 'landfall agent: %s\n' "$*" >&2; exit 1; }

options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --no-start) START=no; shift; continue ;;
            --no-systemd) SYSTEMD=no; shift; continue ;;
            --uninstall) UNINSTALL=yes; shift; continue ;;
            --replace-key) REPLACE_KEY=yes; shift; continue ;;
            --allow-downgrade) DOWNGRADE=yes; shift; continue ;;
            --*) [ $# -gt 1 ] || fail "$1 needs a value" ;;
        esac
        case $1 in
            --portal) PORTAL=${2%/} ;;
            --token|--key) TOKEN=$2 ;;
            --release-key) RELEASE_KEY=$(printf %s "$2" | tr -d ': ' | tr A-F a-f) ;;
            --duties) DUTIES=$2 ;;
            --host-name) HOST_NAME=$2 ;;
            --machines) MACHINES=$2 ;;
            --listen) LISTEN=$2 ;;
            --advertise) ADVERTISE=$2 ;;
            --ca) CA=$2 ;;
            --proxy) PROXY=$2 HTTPS_PROXY=$2; export HTTPS_PROXY ;;
            --package) PACKAGE=${2%/} ;;
            --prefix) PREFIX=$2 ;;
            --state) STATE=$2 ;;
            *) fail "unknown option $1" ;;
        esac
        shift 2
    done
}

# Ends the loop of an earlier installation; the loop ends the agent. Lock keepers live on.
loop_end() {
    [ -f "$STATE/loop.pid" ] || return 0
    LOOP=$(cat "$STATE/loop.pid")
    if tr '\0' ' ' 2>/dev/null < "/proc/$LOOP/cmdline" | grep -qF "$PREFIX/run"; then
        kill "$LOOP" 2>/dev/null || true
        WAITED=0
        while [ -d "/proc/$LOOP" ] && [ "$WAITED" -lt 150 ]; do sleep 0.2; WAITED=$((WAITED + 1)); done
        [ ! -d "/proc/$LOOP" ] || fail "the agent (process $LOOP) does not end"
    fi
    rm -f "$STATE/loop.pid"
}

uninstall() {
    [ -d "$PREFIX/releases" ] || fail "nothing is installed in $PREFIX"
    for MACHINE in "$STATE"/machines/*/; do
        [ ! -d "$MACHINE" ] || fail "a migration of $(basename "$MACHINE") is under way on this host:
    finish it or roll it back in the portal first. Nothing was removed."
    done
    [ "$SYSTEMD" = no ] || [ ! -f "$UNIT" ] || systemctl disable --now --quiet landfall-agent
    [ "$SYSTEMD" = no ] || rm -f "$UNIT"
    loop_end
    for NAME in releases fetched current previous trial rolled-back release.pub launch run; do rm -rf "${PREFIX:?}/$NAME"; done
    rmdir "$PREFIX" 2>/dev/null || true
    [ ! -f "$STATE/agent.json" ] || rm -rf "$STATE"
    say "removed; revoke it in the portal, which still knows its key"
}

python_find() {
    NEEDS='import sys, venv; assert sys.version_info >= (3, 11)'
    case $DUTIES in *host*) NEEDS="$NEEDS; import nbd" ;; esac
    # The distribution's own first: only that one finds the distribution's libnbd.
    for PYTHON in /usr/bin/python3 python3.13 python3.12 python3.11 python3 ''; do
        [ -n "$PYTHON" ] || fail "Python 3.11 is missing, or libnbd for it
    (Debian: apt-get install python3 python3-libnbd)"
        ! "$PYTHON" -c "$NEEDS" >/dev/null 2>&1 || return 0
    done
}

# Fetches the file $1 of the release.
fetch() {
    if [ -d "$PACKAGE" ]; then
        cp "$PACKAGE/$1" "$WORK/$1" 2>/dev/null
    else
        curl -fsS --max-filesize 300000000 ${CA:+--cacert "$CA"} -o "$WORK/$1" "$PACKAGE/$1"
    fi
}

fingerprint() { openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | sha256sum | cut -d ' ' -f 1; }

# The manifest is the trusted key's, and the archive is the manifest's. Before that nothing of it is unpacked or run.
prove() {
    PINNED=$PREFIX/release.pub TRUSTED=''
    [ ! -f "$PINNED" ] || [ "$REPLACE_KEY" = yes ] || TRUSTED=$(fingerprint "$PINNED")
    : "${TRUSTED:=$RELEASE_KEY}"
    [ -n "$TRUSTED" ] || fail "--release-key is missing: your provider publishes the fingerprint"
    [ -z "$RELEASE_KEY" ] || [ "$RELEASE_KEY" = "$TRUSTED" ] || fail "REL-02: this host trusts the release key
    $TRUSTED, not $RELEASE_KEY. If the provider has changed it, add --replace-key."
    fetch release.pub && fetch manifest.json || fail "REL-07: the release cannot be fetched from $PACKAGE"
    SHOWN=$(fingerprint "$WORK/release.pub")
    [ "$SHOWN" = "$TRUSTED" ] || fail "REL-02: the release is signed by another key
    than it should be: $SHOWN, not $TRUSTED. Do not install it; ask your provider."
    fetch manifest.sig || fail "REL-01: the release has no signature. Do not install it; ask your provider."
    openssl pkeyutl -verify -pubin -inkey "$WORK/release.pub" -rawin -in "$WORK/manifest.json" \
        -sigfile "$WORK/manifest.sig" >/dev/null 2>&1 ||
        fail "REL-01: the release's signature does not hold. Do not install it; ask your provider."
    TOLD=$("$PYTHON" -I - "$WORK/manifest.json" "$PREFIX/current/manifest.json" <<'PYTHON'
import json, os, sys
def read(path): return json.load(open(path))
def order(told): return [int(part) for part in told["version"].split(".")], told["created"]
new = read(sys.argv[1])
old = read(sys.argv[2]) if os.path.exists(sys.argv[2]) else new
kind = "development" if new["development"] else "release"
print(new["version"], new["archive"], kind, "older" if order(new) < order(old) else "newer", old["version"])
PYTHON
    ) || fail "REL-01: the release's manifest cannot be read"
    # shellcheck disable=SC2086 # five words
    set -- $TOLD
    VERSION=$1
    [ "$4" = newer ] || [ "$DOWNGRADE" = yes ] || fail "REL-04: release $1 is older than $5, which is installed.
    Somebody may want a mended fault back. To take it all the same, add --allow-downgrade."
    [ "$3" = release ] || say "this is a development release: its key lies on the portal's own machine,
    so that its signature proves nothing about who made it. Not for production."
    fetch landfall-agent.tar || fail "REL-07: the release cannot be fetched from $PACKAGE"
    printf '%s  %s\n' "$2" "$WORK/landfall-agent.tar" | sha256sum -c --quiet - >/dev/null 2>&1 ||
        fail "REL-03: the archive is not the one that was signed. Do not install it; ask your provider."
}

place() {
    say "installing $VERSION into $PREFIX"
    mkdir -p "$PREFIX"
    cp "$WORK/release.pub" "$PREFIX/release.pub.new"
    mv "$PREFIX/release.pub.new" "$PREFIX/release.pub"
    tar -xf "$WORK/landfall-agent.tar" -C "$WORK" code/agents
    PYTHONPATH="$WORK/code" PYTHONDONTWRITEBYTECODE=1 \
        "$PYTHON" -P -m agents.hostagent.placing "$PREFIX" "$STATE" "$WORK" || fail "it could not be installed"
}

enrol() {
    umask 077
    mkdir -p "$STATE"
    if [ -f "$STATE/agent.json" ]; then # and may be running, until it is replaced below
        say "enrolled already"
        return
    fi
    set -- --state "$STATE" --portal "$PORTAL" --token "$TOKEN" --duties "$DUTIES" --host-name "$HOST_NAME"
    set -- "$@" --name "$HOST_NAME" --machines "$MACHINES" --listen "$LISTEN"
    [ -z "$ADVERTISE" ] && case $LISTEN in 0.0.0.0:*) ADVERTISE=$(uname -n):${LISTEN##*:} ;; esac
    [ -z "$ADVERTISE" ] || set -- "$@" --advertise "$ADVERTISE"
    [ -z "$CA" ] || set -- "$@" --ca "$CA"
    [ -z "$PROXY" ] || set -- "$@" --proxy "$PROXY"
    (cd "$PREFIX/current/code" && LANDFALL_AGENT_PREFIX=$PREFIX "$PREFIX/current/venv/bin/python" \
        -m agents.hostagent enrol "$@") || fail "it could not be enrolled"
}

start() {
    if [ "$START" = no ]; then
        say "enrolled; to run it: $PREFIX/launch"
    elif [ "$SYSTEMD" = yes ]; then
        cat > "$UNIT" <<UNIT
[Unit]
Description=Landfall agent
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart="$PREFIX/launch"
Restart=always
RestartSec=2
# The lock keepers outlive the agent: that is what keeps a frozen disk frozen.
KillMode=process

[Install]
WantedBy=multi-user.target
UNIT
        systemctl daemon-reload
        systemctl enable --quiet landfall-agent
        systemctl restart landfall-agent
        say "running: systemctl status landfall-agent"
    else
        # One that restarts it, in the background, with its log in the state folder.
        loop_end
        cat > "$PREFIX/run" <<LOOP
#!/bin/sh
trap 'kill "\$AGENT" 2>/dev/null; wait "\$AGENT"; exit 0' TERM INT
while :; do
    "$PREFIX/launch" &
    AGENT=\$!
    wait "\$AGENT" && exit 0
    sleep 2 & wait "\$!"
done
LOOP
        chmod +x "$PREFIX/run"
        nohup "$PREFIX/run" >> "$STATE/agent.log" 2>&1 < /dev/null &
        echo $! > "$STATE/loop.pid"
        say "running, with its log in $STATE/agent.log; start $PREFIX/run at boot"
    fi
}

# All of it is read before any of it runs: a line that breaks off on its way does nothing by halves.
main() {
    options "$@"
    if [ "$UNINSTALL" = yes ]; then
        uninstall
        exit 0
    fi
    case $PORTAL in http*) ;; *) fail "--portal URL is missing" ;; esac
    [ -f "$STATE/agent.json" ] || [ -n "$TOKEN" ] || fail "--token is missing, or --key: the portal shows one"
    PACKAGE=${PACKAGE:-$PORTAL/agent/release}
    python_find
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    say "fetching the agent"
    prove
    place
    enrol
    start
}

main "$@"
