# segflow: everything a developer or a new user needs, in a virtual environment of its own.
#
#   make demo      count fasteners in a picture with the demo model
#   make test      run the tests
#   make check     formatting, lint, types, layers
#   make golden    hold every size of RF-DETR-Seg against golden detections (minutes)
#   make client    let the ecosystem's own client (inference-sdk) talk to our server
#   make bench     measure segflow against its peers, each in an environment of its own (4 GB of packages; an hour)
#   make reliability  try to break the promises of SECURITY.md, and write down what came of it (15 minutes)
#   make soak      half an hour at four times the server's capacity
#   make serve     answer workflow requests over HTTP on this machine
#
#   TORCH_INDEX=…  take torch from this package index instead of the default one, such as that of its smaller CPU builds
#   PYTHON=…       the interpreter to begin with, 3.11 or newer

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
TESTS ?= tests

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Where the ecosystem's client is installed, make test tries it too.
export SEGFLOW_CLIENT_PYTHON := $(abspath $(wildcard $(VENV)-client/bin/python))

.DELETE_ON_ERROR:
.PHONY: demo test check golden client bench reliability soak serve install clean

demo: $(STAMP)
	$(BIN)/segflow demo --out demo-output

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal -rfEsR -m "not golden" $(TESTS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(STAMP)
	$(BIN)/python -m pytest -m golden tests/conformance

# The client wants an older numpy than we do, so it gets an environment of its own.
client: $(STAMP)
	$(PYTHON) -m venv $(VENV)-client
	$(VENV)-client/bin/python -m pip install --quiet inference-sdk==1.8.3
	SEGFLOW_CLIENT_PYTHON=$(abspath $(VENV)-client/bin/python) $(BIN)/python -m pytest -rs tests/server/test_real_client.py tests/server/test_real_client_video.py

bench: $(STAMP)
	$(BIN)/python -m benchmarks --set-up $(if $(TORCH_INDEX),--torch-index "$(TORCH_INDEX)")
	$(BIN)/python -m benchmarks

reliability: $(STAMP)
	$(BIN)/python -m reliability

soak: $(STAMP)
	$(BIN)/python -m reliability --only load --count 1800 --dry

serve: $(STAMP)
	$(BIN)/segflow serve

install: $(STAMP)

# torch comes first and alone when it has an index of its own: nothing else is looked for there.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is not Python 3.11 or newer; name one that is with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --no-deps --index-url "$(TORCH_INDEX)" --constraint constraints.txt torch)
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[dev,int8,onnx]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-client demo-output build dist *.egg-info
