# Two commands: `make demo` and `make test`. Each does only what has changed; stamp files in build/ remember the rest.
.PHONY: all demo setup build test sanitize fuzz fuzz-targets format clean
all: build

JOBS ?= $(shell nproc)
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMPS := build/stamps
CACHE := build/release/CMakeCache.txt

setup: $(STAMPS)/packages $(STAMPS)/python $(STAMPS)/headers

$(STAMPS):
	@mkdir -p $@
$(STAMPS)/packages: scripts/packages.txt scripts/setup.sh | $(STAMPS)
	scripts/setup.sh packages scripts/packages.txt
	@touch $@
$(STAMPS)/python: scripts/requirements.txt scripts/setup.sh $(STAMPS)/packages
	scripts/setup.sh python $(VENV) scripts/requirements.txt
	@touch $@
# Only the tests need these: a compiler that fuzzes, another shell, and the frameworks of the scripts they run.
$(STAMPS)/packages_tests: scripts/packages_tests.txt $(STAMPS)/packages
	scripts/setup.sh packages scripts/packages_tests.txt
	@touch $@
$(STAMPS)/python_tests: scripts/requirements_tests.txt $(STAMPS)/python
	scripts/setup.sh python $(VENV) scripts/requirements_tests.txt
	@touch $@
$(STAMPS)/headers: scripts/get_onnxruntime_headers.sh $(STAMPS)/packages
	scripts/setup.sh headers
	@touch $@

$(CACHE): $(STAMPS)/packages $(STAMPS)/python $(STAMPS)/headers CMakePresets.json
	cmake --preset release -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
	@touch $@

# Ninja itself knows what changed. The links make the command and the module those just built.
build: $(CACHE)
	cmake --build --preset release -j $(JOBS) --target calotype_cli calotype_stub
	@scripts/setup.sh link $(VENV) build/release

demo: build
	$(PYTHON) examples/digits/demo.py

test: build fuzz-targets $(STAMPS)/python_tests
	cmake --build --preset release -j $(JOBS)
	@scripts/test.sh $(VENV) build/release

# The tests once more under the sanitizers: hours, so it is no part of `make test`.
sanitize: setup $(STAMPS)/python_tests
	@for preset in debug tsan; do \
	    test -f build/$$preset/CMakeCache.txt || cmake --preset $$preset -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON) || exit 1; \
	    cmake --build --preset $$preset -j $(JOBS) || exit 1; \
	done
	@scripts/sanitize.sh $(VENV)

# Of each target; `make test` gives them a minute.
SECONDS ?= 3600
fuzz: fuzz-targets
	FUZZ_SECONDS=$(SECONDS) ctest --preset fuzz -j $(JOBS)

fuzz-targets: build $(STAMPS)/packages_tests
	@test -f build/fuzz/CMakeCache.txt || cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	@$(PYTHON) tests/fuzz/make_corpus.py build/fuzz/corpus $(VENV)/bin/calotype

format: $(STAMPS)/python
	find src include tests python bench -name '*.cpp' -o -name '*.hpp' | xargs $(VENV)/bin/clang-format -i

clean:
	rm -rf build $(VENV)
