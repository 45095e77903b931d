# pg_anomaly: `make help` lists the targets.

PG_CONFIG ?= pg_config
PYTHON ?= /usr/bin/python3
# Labelled data (data/) and captures (pcaps/) for the tests that want them;
# without the directory those tests skip.
TEST_DATA ?= $(abspath ../shared)
# The page's port for `make demo`.
PORT ?= 8080
# Captures for `make demo` instead of generated traffic.
PCAP ?=
# Weeks of generated traffic for `make bench-recall`.
SEEDS ?= 1 2 3
export PG_CONFIG PYTHON TEST_DATA

.DEFAULT_GOAL := build

help:	## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

build:	## compile the extension, pcap2pg and pcapgen
	$(MAKE) -C extension
	$(MAKE) -C loader

install: build	## install the extension into PG_CONFIG's server, programs into PREFIX
	$(MAKE) -C extension install
	$(MAKE) -C loader install

stage: build	## install the extension into a private copy of the server under build/
	test/stack/stage.sh

demo:	## packets to alerts on a page, all private to this directory [PCAP="a.pcap b.pcap"] [PORT=8080]
	test/stack/install.sh demo
	$(MAKE) -s stage
	test/stack/demo.sh start "$(PORT)" $(PCAP)

demo-stop:	## stop what `make demo` started
	test/stack/demo.sh stop

test:	## everything: unit, fuzz, regress, isolation, TAP, loader, end to end, API, browser
	test/stack/install.sh demo test
	test/run.sh

test-stories: stage	## what the product promises, a test for each of 22 stories
	test/stories/run.sh

unit:	## core unit and contract tests
	$(MAKE) -C test/unit check

asan:	## the same under AddressSanitizer and UBSan
	$(MAKE) -C test/unit asan

sanitize: stage	## pcap2pg's tests of live capture, replay and loading under AddressSanitizer, UBSan, ThreadSanitizer
	$(MAKE) -C loader check-asan check-tsan

fuzz:	## short runs of the fuzzers
	$(MAKE) -C test/fuzz smoke

bench-quality:	## detection quality of every detector beside scikit-learn's and PyTorch's
	test/stack/install.sh demo test bench
	$(PYTHON) test/bench/quality.py

bench-recall:	## attacks found and false alerts by default settings, over a week of generated traffic [SEEDS="1 2 3"]
	test/stack/install.sh demo test
	$(MAKE) -s stage
	test/bench/recall.pl $(SEEDS)

bench-page:	## what the page costs over a store shaped like 100 million flows
	test/stack/install.sh demo test
	$(MAKE) -s stage
	test/bench/page.sh

bench:	## measure against peers, side by side
	test/stack/install.sh demo test bench
	$(MAKE) -s stage
	test/bench/run.sh

clean:	## remove build products (a running demo is stopped first)
	-test/stack/demo.sh stop
	-$(MAKE) -C extension clean
	rm -rf build

.PHONY: help build install stage demo demo-stop test test-stories unit asan sanitize fuzz bench bench-quality bench-recall bench-page clean
