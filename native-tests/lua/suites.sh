# What the runners of suites in Lua share: include it with `.`, after `work` is set. The outcome is in $passed and $failed.
passed=0
failed=0

count() { # count PASSED FAILED
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# expect TITLE COMMAND...: a test in shell
expect() {
    title=$1
    shift
    if "$@" > "$work/last" 2>&1; then
        count 1 0
    else
        count 0 1
        echo "FAILED $title"
        sed 's/^/    /' "$work/last"
    fi
}

# suite NAME: a file of tests, in the nginx that runs (lib/runner.lua)
suite() {
    answer=$(curl -s "http://127.0.0.1:15081/test/$1")
    echo "$answer" | grep -v ' passed, [0-9]* failed$'
    last=$(echo "$answer" | tail -1)
    case $last in
        *passed*) count "${last%% *}" "$(echo "$last" | sed 's/.*, \([0-9]*\) failed/\1/')" ;;
        *) count 0 1; echo "FAILED $1 brought no result: $last" ;;
    esac
    echo "$1: $last"
}

# The last line of a run, and what it ends with.
sum_up() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
