# The front door: `make help` lists what it does. Each step is a line that can be typed by hand.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Given on the command line: ARGS for the program, JOBS for the compiler, CMAKE_ARGS for the configuration, SECONDS or
# RUNS and TARGET for the fuzzer.
ARGS ?=
JOBS ?= $(shell nproc)
CMAKE_ARGS ?=
SECONDS ?= 60
ifdef ADJOINT_WERROR
override CMAKE_ARGS += -DADJOINT_WERROR=$(ADJOINT_WERROR)
endif

build = cmake --build --preset $(1) --parallel $(JOBS) --target $(2)

sources = $(shell find adjoint.h onnx.h core cpu cuda autograd nn optim data distributed train onnx playground python_free_examples bench tests \
            -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu')

.PHONY: help mnist test bench dev tsan fuzz docs exercises playground format tidy

help:
	@echo 'make mnist    install what is missing, build, find the data, train (ARGS="--epochs 3" goes to the program)'
	@echo 'make test     install what is missing, build and run all tests'
	@echo 'make bench    the same for the benchmarks'
	@echo 'make dev      the tests in a debug build with AddressSanitizer and UBSan'
	@echo 'make tsan     the tests of what threads meet in, in a debug build with ThreadSanitizer'
	@echo 'make fuzz     libFuzzer on all readers for SECONDS=n each or RUNS=n, or on TARGET="npz csv" alone'
	@echo 'make docs     the site of the documentation in build/docs/html: pages, reference, search'
	@echo 'make exercises   builds the exercises of the course and says which pass (ARGS=e03: what its checks say)'
	@echo 'make playground  the page on which networks learn, for the browser: builds it and serves it on this machine'
	@echo 'make format   clang-format on all sources'
	@echo 'make tidy     clang-tidy on all sources'
	@echo 'Also: JOBS=n, CMAKE_ARGS="-D...", ADJOINT_WERROR=ON'

mnist:
	@scripts/setup build
	@scripts/configure release --for "$(ARGS)" $(CMAKE_ARGS)
	$(call build,release,mnist)
	@scripts/fetch_data --for "$(ARGS)" mnist
	build/release/python_free_examples/mnist $(ARGS)

test:
	@scripts/setup test
	scripts/configure release -DADJOINT_CUDA=AUTO $(CMAKE_ARGS)
	$(call build,release,adjoint_tests)
	ctest --preset release

bench:
	@scripts/setup test
	scripts/configure release $(CMAKE_ARGS)
	$(call build,release,adjoint_bench)
	scripts/bench build/release

dev:
	@scripts/setup test
	scripts/configure dev $(CMAKE_ARGS)
	$(call build,dev,adjoint_tests)
	ctest --preset dev

tsan:
	@scripts/setup test
	scripts/configure tsan $(CMAKE_ARGS)
	$(call build,tsan,$(addprefix test_,core autograd nn optim data train distributed))
	ctest --preset tsan

fuzz:
	@scripts/setup fuzz
	scripts/configure fuzz $(CMAKE_ARGS)
	$(call build,fuzz,adjoint_fuzz)
	scripts/fuzz build/fuzz $(if $(RUNS),runs=$(RUNS),seconds=$(SECONDS)) $(TARGET)

docs:
	@scripts/setup docs
	scripts/docs

exercises:
	@scripts/setup build
	@scripts/configure release --for "" $(CMAKE_ARGS)
	@JOBS=$(JOBS) scripts/exercises $(ARGS)

playground:
	@scripts/setup playground
	JOBS=$(JOBS) scripts/playground build
	scripts/playground serve

format:
	@scripts/setup format
	clang-format -i $(sources)

tidy:
	@scripts/setup format
	cmake --preset release -B build/tidy -DADJOINT_UNITY=OFF $(CMAKE_ARGS) >/dev/null
	scripts/tidy build/tidy
