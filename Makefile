# Each line calls a script; the scripts can be called just as well.
.PHONY: setup demo quick test check fix bench chaos soak
setup: ; @scripts/setup
demo: setup ; @.venv/bin/portico demo
quick: setup ; @scripts/quick
test: setup ; @scripts/test
check: setup ; @scripts/check
fix: setup ; @scripts/fix
bench: setup ; @scripts/bench
chaos: setup ; @scripts/chaos
soak: setup ; @scripts/soak
