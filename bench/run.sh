#!/usr/bin/env bash
# Runs the benchmarks: bench/run.sh [arguments of BenchmarkDotNet, for example --filter '*OneVirtualHost*']
set -euo pipefail
cd "$(dirname "$0")/.."
exec dotnet run --project bench/Amesh.Benchmarks -c Release -- "$@"
