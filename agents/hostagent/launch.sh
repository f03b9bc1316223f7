#!/bin/sh
# Starts the agent that `current` leads to. A new one is on trial: if it ends, or does not reach the portal in
# time, the one before it is put back, and tells the portal. An upgrade never changes this file.
PREFIX=@PREFIX@
STATE=@STATE@
PATIENCE=${LANDFALL_TRIAL_S:-120}
export LANDFALL_AGENT_PREFIX="$PREFIX"

# Runs it in this process's place, by its own folder and not by the link; what is given comes before it.
begin() {
    cd -P "$PREFIX/current/code" || exit 1
    exec "$@" "$(cd -P .. && pwd -P)/venv/bin/python" -m agents.hostagent run --state "$STATE"
}

on_trial() {
    [ -f "$PREFIX/trial" ] && [ "releases/$(head -n 1 "$PREFIX/trial")" = "$(readlink "$PREFIX/current")" ]
}

alive() { kill -0 "$AGENT" 2>/dev/null; }

# Should this process be killed, its agent goes with it: the next one starts its own.
GUARD='setpriv --pdeathsig KILL'
command -v setpriv >/dev/null 2>&1 || GUARD=env

on_trial || begin env

# shellcheck disable=SC2086 # two words
(begin $GUARD) &
AGENT=$!
trap 'kill "$AGENT" 2>/dev/null; wait "$AGENT"; exit 0' TERM INT

WAITED=0
while on_trial && alive && [ "$WAITED" -lt "$PATIENCE" ]; do
    sleep 1 &
    wait "$!"
    WAITED=$((WAITED + 1))
done
if ! on_trial; then
    wait "$AGENT"
    exit "$?"
fi

WHY="it did not reach the portal within $PATIENCE s"
alive || WHY="it ended by itself"
kill "$AGENT" 2>/dev/null
WAITED=0
while alive && [ "$WAITED" -lt 10 ]; do
    sleep 1 &
    wait "$!"
    WAITED=$((WAITED + 1))
done
kill -KILL "$AGENT" 2>/dev/null
wait "$AGENT" 2>/dev/null

{ cat "$PREFIX/trial" && echo "$WHY"; } > "$PREFIX/rolled-back.new"
mv "$PREFIX/rolled-back.new" "$PREFIX/rolled-back"
ln -sfn "$(readlink "$PREFIX/previous")" "$PREFIX/current.new"
mv -T "$PREFIX/current.new" "$PREFIX/current"
rm -f "$PREFIX/trial"
echo "landfall agent: the new release is taken back: $WHY" >&2
trap - TERM INT
begin env
