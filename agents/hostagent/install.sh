#!/bin/sh
# Installs the Landfall agent on this host, enrols it and starts it. Safe to run again.
#
#   curl -fsS https://PORTAL/agent/install | sudo sh -s -- --portal https://PORTAL --token TOKEN [options]
#
#   --portal URL      the portal (default: the one that served this; https, or http on loopback)
#   --token TOKEN     the one-off token that the portal showed; --key is the same
#   --duties LIST     host, connector, or host,connector        (default: host)
#   --host-name NAME  this host's name in its vCenter           (default: the host's own)
#   --machines DIR    the folder with one folder per machine    (default: /var/lib/landfall-machines)
#   --listen H:P      where other agents connect                (default: 0.0.0.0:7443)
#   --advertise H:P   the same as others see it                 (default: host name and port of --listen)
#   --ca FILE         the authority of the portal's certificate (default: the system's)
#   --package SRC     URL or file of the archive                (default: PORTAL/agent/package)
#   --prefix DIR      where it goes                             (default: /opt/landfall-agent)
#   --state DIR       the agent's own folder                    (default: /var/lib/landfall-agent)
#   --no-start        enrol only
#   --no-systemd      run it by a loop in the background, even where systemd runs
#   --uninstall       end it and remove all of it; refused while a migration needs what it holds
set -eu

PORTAL=@PORTAL@ TOKEN='' DUTIES=host HOST_NAME=$(uname -n) MACHINES=/var/lib/landfall-machines
LISTEN=0.0.0.0:7443 ADVERTISE='' CA='' PACKAGE='' START=yes UNINSTALL=no SYSTEMD=no
[ ! -d /run/systemd/system ] || SYSTEMD=yes
PREFIX=/opt/landfall-agent STATE=/var/lib/landfall-agent
SHA256=@SHA256@

say() { printf 'landfall agent: %s\n' "$*"; }
fail() { printf 'landfall agent: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --no-start) START=no; shift; continue ;;
        --no-systemd) SYSTEMD=no; shift; continue ;;
        --uninstall) UNINSTALL=yes; shift; continue ;;
        --*) [ $# -gt 1 ] || fail "$1 needs a value" ;;
    esac
    case $1 in
        --portal) PORTAL=$2 ;;
        --token|--key) TOKEN=$2 ;;
        --duties) DUTIES=$2 ;;
        --host-name) HOST_NAME=$2 ;;
        --machines) MACHINES=$2 ;;
        --listen) LISTEN=$2 ;;
        --advertise) ADVERTISE=$2 ;;
        --ca) CA=$2 ;;
        --package) PACKAGE=$2 ;;
        --prefix) PREFIX=$2 ;;
        --state) STATE=$2 ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done

UNIT=/etc/systemd/system/landfall-agent.service

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

if [ "$UNINSTALL" = yes ]; then
    [ -d "$PREFIX/code" ] || fail "nothing is installed in $PREFIX"
    for MACHINE in "$STATE"/machines/*/; do
        [ ! -d "$MACHINE" ] || fail "a migration of $(basename "$MACHINE") is under way on this host:
    finish it or roll it back in the portal first. Nothing was removed."
    done
    [ "$SYSTEMD" = no ] || [ ! -f "$UNIT" ] || systemctl disable --now --quiet landfall-agent
    [ "$SYSTEMD" = no ] || rm -f "$UNIT"
    loop_end
    rm -rf "$PREFIX/code" "$PREFIX/code.old" "$PREFIX/venv" "$PREFIX/run"
    rmdir "$PREFIX" 2>/dev/null || true
    [ ! -f "$STATE/agent.json" ] || rm -rf "$STATE"
    say "removed; revoke it in the portal, which still knows its key"
    exit 0
fi

case $PORTAL in http*) ;; *) fail "--portal URL is missing" ;; esac
[ -f "$STATE/agent.json" ] || [ -n "$TOKEN" ] || fail "--token is missing: the portal shows one"
PACKAGE=${PACKAGE:-$PORTAL/agent/package}

NEEDS='import sys, venv, ensurepip; assert sys.version_info >= (3, 11)'
case $DUTIES in *host*) NEEDS="$NEEDS; import nbd" ;; esac
# The distribution's own first: only that one finds the distribution's libnbd.
for PYTHON in /usr/bin/python3 python3.13 python3.12 python3.11 python3 ''; do
    [ -n "$PYTHON" ] || fail "Python 3.11 with venv is missing, or libnbd for it
    (Debian: apt-get install python3 python3-venv python3-libnbd)"
    ! "$PYTHON" -c "$NEEDS" >/dev/null 2>&1 || break
done

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
say "fetching the agent"
if [ -f "$PACKAGE" ]; then
    cp "$PACKAGE" "$WORK/agent.tar.gz"
else
    curl -fsS ${CA:+--cacert "$CA"} -o "$WORK/agent.tar.gz" "$PACKAGE" || fail "$PACKAGE cannot be fetched"
fi
printf '%s  %s\n' "$SHA256" "$WORK/agent.tar.gz" | sha256sum -c --quiet - >/dev/null 2>&1 ||
    fail "the archive is not the one that this installer was made for: fetch the installer again"

say "installing into $PREFIX"
mkdir -p "$PREFIX"
[ -x "$PREFIX/venv/bin/python" ] || "$PYTHON" -m venv "$PREFIX/venv" ||
    fail "no virtual environment (Debian: apt-get install python3-venv)"
mkdir "$WORK/code"
tar -xzf "$WORK/agent.tar.gz" -C "$WORK/code"
"$PREFIX/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$WORK/code/requirements.txt" ||
    fail "the requirements cannot be installed"
SITE=$("$PREFIX/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -f "$SITE/qemu/qmp/legacy.py" # the one part of qemu.qmp under another licence; nothing here uses it
"$PYTHON" -c 'import nbd, libnbdmod; print(nbd.__file__, libnbdmod.__file__)' 2>/dev/null | tr ' ' '\n' |
    while read -r MODULE; do ln -sf "$MODULE" "$SITE/"; done
rm -rf "$PREFIX/code.old"
[ ! -d "$PREFIX/code" ] || mv "$PREFIX/code" "$PREFIX/code.old"
mv "$WORK/code" "$PREFIX/code"
rm -rf "$PREFIX/code.old"

umask 077
mkdir -p "$STATE"
cd "$PREFIX/code"
set -- --state "$STATE" --portal "$PORTAL" --token "${TOKEN:-none}" --duties "$DUTIES" --host-name "$HOST_NAME"
set -- "$@" --name "$HOST_NAME" --machines "$MACHINES" --listen "$LISTEN"
[ -z "$ADVERTISE" ] && case $LISTEN in 0.0.0.0:*) ADVERTISE=$(uname -n):${LISTEN##*:} ;; esac
[ -z "$ADVERTISE" ] || set -- "$@" --advertise "$ADVERTISE"
[ -z "$CA" ] || set -- "$@" --ca "$CA"
if [ -f "$STATE/agent.json" ]; then # and may be running, until it is replaced below
    say "enrolled already"
else
    "$PREFIX/venv/bin/python" -m agents.hostagent enrol "$@" || fail "it could not be enrolled"
fi

RUN="$PREFIX/venv/bin/python -m agents.hostagent run --state $STATE"
if [ "$START" = no ]; then
    say "enrolled; to run it: cd $PREFIX/code && $RUN"
elif [ "$SYSTEMD" = yes ]; then
    cat > "$UNIT" <<UNIT
[Unit]
Description=Landfall agent
After=network-online.target
Wants=network-online.target

[Service]
WorkingDirectory=$PREFIX/code
ExecStart=$RUN
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
cd $PREFIX/code
trap 'kill "\$AGENT" 2>/dev/null; wait "\$AGENT"; exit 0' TERM INT
while :; do
    $RUN &
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
