# A machine needs only make, node with npm, and curl: everything else is installed below .tools/, which git ignores.
# The commands themselves are the tasks of deno.json.

# scripts/tools/package-lock.json has the hash of every package that npm may install for them.
DENO_VERSION := $(shell sed -n 's/.*"deno": "\(.*\)".*/\1/p' scripts/tools/package.json)
BUN_VERSION := $(shell sed -n 's/.*"bun": "\(.*\)".*/\1/p' scripts/tools/package.json)
# Real clients for the tests. They are large, so only "make test" installs them.
CLAUDE_CODE_VERSION := 2.1.197
OPENCODE_VERSION := 1.18.33
CODEX_VERSION := 0.171.0
OPENAI_PYTHON_VERSION := 3.57.0
AGENTS_PYTHON_VERSION := 0.24.0
LANGCHAIN_PYTHON_VERSION := 1.7.4

TASKS := run test check fmt golden page build release bench micro fuzz soak

# A deno of exactly this version on the PATH is used; otherwise one is installed.
DENO_FOUND := $(shell deno=$$(command -v deno | grep -v '/\.tools/') && $$deno --version | sed -n 's/^deno \([^ ]*\).*/\1/p')
OWN_DENO := $(if $(filter $(DENO_VERSION),$(DENO_FOUND)),,yes)
TOOLS := .tools/bun-$(BUN_VERSION)$(if $(OWN_DENO),-deno-$(DENO_VERSION))
NPM_INSTALL := npm install --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error
NPM_CI := npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
CLIENTS := .tools/clients/claude-code-$(CLAUDE_CODE_VERSION)-opencode-$(OPENCODE_VERSION)-codex-$(CODEX_VERSION)-openai-$(OPENAI_PYTHON_VERSION)-langchain-$(LANGCHAIN_PYTHON_VERSION)
PYTHON_CLIENTS := 'openai[bedrock]==$(OPENAI_PYTHON_VERSION)' openai-agents==$(AGENTS_PYTHON_VERSION) langchain-openai==$(LANGCHAIN_PYTHON_VERSION)
CLIENT_TESTS := $(addprefix tests/e2e/,claude_code_program_test.ts opencode_program_test.ts codex_program_test.ts)
export PATH := $(CURDIR)/.tools/node_modules/.bin:$(PATH)

.PHONY: help $(TASKS) clients compile clean
.DEFAULT_GOAL := help

help:
	@echo 'make run       build, then serve config/adit.yaml'
	@echo 'make test      everything that CI runs; ends with "N passed, N failed"'
	@echo 'make clients   run the tests of real clients with the newest Claude Code, opencode and Codex'
	@echo 'make check     formatting, lint, types, layers'
	@echo 'make fmt       format the sources'
	@echo 'make golden    rewrite the golden files; git diff shows what changed'
	@echo 'make page      bundle the admin page again, after a change in lib/admin/page'
	@echo 'make build     build dist/adit, a single binary'
	@echo 'make compile   build dist/adit-deno with deno compile'
	@echo 'make release   build dist/release: binaries for all platforms, SHA256SUMS, SBOM, install.sh'
	@echo 'make bench     compare the speed with other gateways in twenty minutes, with QUICK=1 in three (needs wrk)'
	@echo 'make micro     measure single steps of a request, and compare them with the stored figures'
	@echo 'make fuzz      send random broken requests, streams and configurations for minutes; keeps failing seeds'
	@echo 'make soak      check for minutes that memory and open files stay flat'
	@echo 'make clean     remove everything that was built or installed'

test: $(CLIENTS)
test: export ADIT_CLIENTS := $(CURDIR)/.tools/clients
test: export PATH := $(CURDIR)/.tools/node_modules/.bin:$(CURDIR)/.tools/clients/node_modules/.bin:$(PATH)

$(TASKS): $(TOOLS) .tools/dependencies
	@deno task --quiet $@

clients: build
	@$(call install_clients,.tools/clients-latest,latest,latest,latest)
	@ADIT_CLIENTS=$(CURDIR)/.tools/clients-latest deno test -A $(CLIENT_TESTS)

compile: $(TOOLS) .tools/dependencies
	@deno task --quiet compile 2>.tools/compile.log || { \
	  if grep -q denort .tools/compile.log; then \
	    echo "deno compile cannot download its runtime (denort) from the Deno project's site;" \
	      "make build needs nothing from there." >&2; \
	  else \
	    cat .tools/compile.log >&2; \
	  fi; \
	  exit 1; \
	}

# npm refuses packages whose hash differs from the lock file. Whether it runs install scripts depends on its version and
# settings, so they are run here. They put the native binaries where npm's links point. If those were missing, they would
# download them without a hash, so ls fails first.
$(TOOLS): scripts/tools/package.json scripts/tools/package-lock.json
	@rm -rf .tools
	@mkdir .tools
	@cp scripts/tools/package.json scripts/tools/package-lock.json .tools
	@$(NPM_CI) --prefix .tools $(if $(OWN_DENO),,--omit=dev) >/dev/null
	@ls -d .tools/node_modules/@oven/bun-* >/dev/null
	@cd .tools/node_modules/bun && node install.js
	@$(if $(OWN_DENO),ls -d .tools/node_modules/@deno/* >/dev/null)
	@$(if $(OWN_DENO),cd .tools/node_modules/deno && node install.cjs)
	@touch $@

$(CLIENTS): $(TOOLS)
	@$(call install_clients,.tools/clients,$(CLAUDE_CODE_VERSION),$(OPENCODE_VERSION),$(CODEX_VERSION))
	@$(call install_python_clients,.tools/clients,$(PYTHON_CLIENTS))
	@touch $@

# Arguments: the folder, and the versions of Claude Code, opencode and Codex. The scripts of the first two put the binary
# for this machine in place; Codex has a package for each platform.
define install_clients
rm -rf $(1) && \
$(NPM_INSTALL) --prefix $(1) @anthropic-ai/claude-code@$(2) opencode-ai@$(3) @openai/codex@$(4) && \
(cd $(1)/node_modules/@anthropic-ai/claude-code && node install.cjs) && \
(cd $(1)/node_modules/opencode-ai && node postinstall.mjs)
endef

# Python with venv, or its packages, may not be available; the tests of these clients are then skipped with a message.
define install_python_clients
{ python3 -m venv $(1)/python && $(1)/python/bin/pip install --quiet --disable-pip-version-check $(2); } >$(1).log 2>&1 || { \
  rm -rf $(1)/python; \
  echo "make: the Python clients cannot be installed ($(1).log), so their tests do not run" >&2; }
endef

.tools/dependencies: deno.json deno.lock $(TOOLS)
	@deno install --quiet --frozen
	@touch $@

clean:
	rm -rf dist node_modules .tools
