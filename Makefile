# `make run`: set up, then the main job. `make test`: the same set-up, then all tests but those that need MPI.
# `make mpi-test`: builds a NEST with MPI in an environment of its own, once (five to ten minutes), then tests it.
PYTHON ?= python3
BIN := .venv/bin
MPI_BIN := .venv-mpi/bin

.PHONY: run test mpi-test lint typecheck clean

run: .venv/ready
	$(BIN)/semsync run digits --seeds 3 --out runs/digits --resume

test: .venv/ready lint typecheck
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

mpi-test: .venv-mpi/ready
	$(MPI_BIN)/python -m pytest tests/mpi

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The package is this folder, whatever its name: mypy sees it under the name that users import.
typecheck: .venv/ready
	mkdir -p .venv/typecheck && ln -sfn "$(CURDIR)" .venv/typecheck/semsync
	cd .venv/typecheck && MYPYPATH=. ../bin/mypy --config-file "$(CURDIR)/pyproject.toml" -p semsync

CHECK_PYTHON = $(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and \
	'semsync needs Python 3.11 or newer; choose one: make PYTHON=python3.11 ...')"

# torch comes first and alone: its pinned version is the one that other packages must find.
.venv/ready: pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch .venv/ready

# The models that the bridge uses, and a few to look at them with: all of NEST takes much longer to build.
NEST_MODELS := bernoulli_synapse;cont_delay_synapse;dc_generator;iaf_cond_exp;iaf_psc_delta;iaf_psc_delta_ps;iaf_psc_exp;$\
	iaf_psc_exp_ps;multimeter;noise_generator;parrot_neuron;parrot_neuron_ps;poisson_generator;spike_generator;$\
	spike_recorder;spike_train_injector;static_synapse
NEST_IS_BUILT = $(MPI_BIN)/python -c "import sys, nest; sys.exit(not (nest.build_info['have_mpi'] and \
	set(sys.argv[1].split(';')) <= {*nest.node_models, *nest.synapse_models}))" "$(NEST_MODELS)" >/dev/null 2>&1
BUILD_NEST = $(MPI_BIN)/python -m pip install --quiet -c constraints.txt --no-deps --no-binary nest-simulator \
	-C cmake.define.with-mpi=ON -C "cmake.define.with-models=$(NEST_MODELS)" nest-simulator

# pip starts a build's own Pythons without their library where a package is installed from its folder.
WITHOUT_SEMSYNC = $(MPI_BIN)/python -m pip uninstall --quiet --yes semsync

# A build of NEST that pip kept from before is good if it has MPI and all models.
.venv-mpi/ready: pyproject.toml constraints.txt
	$(CHECK_PYTHON)
	@missing=""; \
	command -v mpicc >/dev/null || missing="$$missing libopenmpi-dev"; \
	command -v mpirun >/dev/null || missing="$$missing openmpi-bin"; \
	command -v gsl-config >/dev/null || missing="$$missing libgsl-dev"; \
	command -v c++ >/dev/null || missing="$$missing build-essential"; \
	echo '#include <ltdl.h>' | cc -E - >/dev/null 2>&1 || missing="$$missing libltdl-dev"; \
	test -z "$$missing" || { echo "NEST with MPI cannot be built without Debian's packages$$missing: apt-get install$$missing"; exit 1; }
	test -x $(MPI_BIN)/python || $(PYTHON) -m venv .venv-mpi
	$(MPI_BIN)/python -m pip install --quiet --upgrade pip
	$(MPI_BIN)/python -m pip install --quiet -c constraints.txt mpi4py numpy pytest hypothesis
	@$(NEST_IS_BUILT) || { echo "building NEST with MPI: some minutes"; $(WITHOUT_SEMSYNC); $(BUILD_NEST); }
	@$(NEST_IS_BUILT) || { $(WITHOUT_SEMSYNC); $(BUILD_NEST) --force-reinstall --no-cache-dir; }
	@$(NEST_IS_BUILT) || { echo "the NEST in .venv-mpi has no MPI or lacks a model"; exit 1; }
	$(MPI_BIN)/python -m pip install --quiet -c constraints.txt -e ".[mpi]"
	touch .venv-mpi/ready

clean:
	rm -rf .venv .venv-mpi runs
