#!/bin/sh
# How long `pk run -- /bin/true` takes, beside `timeout 5 /bin/true` and /bin/true alone.
#
# hyperfine measures one command after the other, so it is run several times, in turning order: each pass gives a ratio
# of medians from the same seconds, and the middle one of the passes counts.
#
# PK_BUILD is the build directory; PK overrides the command that is measured. Options: --passes N, --runs N (of each
# command in each pass), --check (exit 1 if the target was missed).
set -eu

passes=5
runs=300
check=false
while [ $# -gt 0 ]; do
    case $1 in
    --passes) passes=$2 && shift 2 ;;
    --runs) runs=$2 && shift 2 ;;
    --check) check=true && shift ;;
    *)
        echo "usage: PK_BUILD=DIR $0 [--passes N] [--runs N] [--check]" >&2
        exit 2
        ;;
    esac
done

pk=${PK:-${PK_BUILD:?is not set}/cli/pk}
for needed in hyperfine timeout "$pk"; do
    if ! command -v "$needed" >/dev/null; then
        echo "$0: $needed is missing" >&2
        exit 1
    fi
done

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# The medians of one pass, by the number of the command, whatever order they were measured in.
measure()
{
    case $(($1 % 3)) in
    0) set -- "$1" 1 2 3 ;;
    1) set -- "$1" 2 3 1 ;;
    2) set -- "$1" 3 1 2 ;;
    esac
    pass=$1
    shift
    for which; do
        case $which in
        1) command="$pk run -- /bin/true" ;;
        2) command="timeout 5 /bin/true" ;;
        3) command="/bin/true" ;;
        esac
        hyperfine -N --style none --warmup 20 --runs "$runs" --export-csv "$results/one" "$command" >/dev/null 2>&1 || {
            echo "$0: hyperfine could not run: $command" >&2
            exit 1
        }
        # command,mean,stddev,median,...: counted from the end, since the command may have commas
        awk -F, -v which="$which" 'NR == 2 { print which, $(NF - 4) * 1e6 }' "$results/one"
    done >"$results/pass-$pass"
}

echo "pk: $pk; $passes passes of $runs runs each; medians in microseconds"
printf '%6s %14s %14s %14s %14s\n' pass 'pk run' 'timeout 5' '/bin/true' 'pk/timeout'
pass=1
while [ "$pass" -le "$passes" ]; do
    measure "$pass"
    awk -v pass="$pass" '{ median[$1] = $2 }
        END { printf "%6d %14.0f %14.0f %14.0f %14.2f\n", pass, median[1], median[2], median[3], median[1] / median[2] }
        ' "$results/pass-$pass" >"$results/row"
    cat "$results/row"
    awk '{ print $NF }' "$results/row" >>"$results/ratios"
    pass=$((pass + 1))
done

ratio=$(sort -n "$results/ratios" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')
verdict=$(awk -v ratio="$ratio" 'BEGIN { print (ratio > 0 && ratio <= 1.0) ? "PASS" : "FAIL" }')
echo
echo "pk run / timeout 5, median of the passes: $ratio  target <= 1.00: $verdict"
if $check && [ "$verdict" = FAIL ]; then
    exit 1
fi
