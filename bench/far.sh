#!/usr/bin/env bash
# Scenario B4 over every link of a matrix, as root: LINK=path/to/link bench/far.sh [bench options]
#
# LINK is a program that emulates a link between two network namespaces:
#   LINK up RATE_MBIT ONE_WAY_MS LOSS_PERCENT QUEUE_KB   makes it; LINK down takes it away
#   LINK server COMMAND...    LINK client COMMAND...     runs a command on one of its sides
# ADDRESS is what the server's side is called on the other. Each list may be given by its variable.
set -euo pipefail
: "${LINK:?a program that emulates a link, see the head of this file}"
: "${ADDRESS:=10.88.0.1}" "${RATES:=10 200 1000}" "${ROUND_TRIPS:=20 80 200}" "${LOSSES:=0 0.1 1}"
here=$(cd "$(dirname "$0")/.." && pwd)
trap '$LINK down' EXIT
for rate in $RATES; do
  for round_trip in $ROUND_TRIPS; do
    for loss in $LOSSES; do
      # The queue holds what is on its way in one round trip, and 256 KiB at least.
      queue=$((rate * round_trip / 8))
      $LINK up "$rate" "$((round_trip / 2))" "$loss" "$((queue > 256 ? queue : 256))"
      echo "# $rate Mbit/s, $round_trip ms, $loss % loss"
      # Ten seconds of the link, and no less than 8 MB.
      size=$((rate > 200 ? 200 : rate < 7 ? 8 : rate * 10 / 8))
      $LINK server node "$here/dist/bench/run.js" --scenario B4 --server-address "$ADDRESS" \
        --exec-client "$LINK client" --link-mbit "$rate" --size "$((size * 1000000))" "$@"
      $LINK down
    done
  done
done
