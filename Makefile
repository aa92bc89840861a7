# mailwhy: make, make demo [MTA=sendmail], make check, make bench, make fuzz, make lint, make format, make deps, make clean.

VERSION := 0.1.0
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PKGS := libpcre2-8 libconfuse libcrypto libsystemd zlib libzstd
CLI_PKGS := gmime-3.0 glib-2.0

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wcast-qual -Wvla $(if $(CI),-Werror)
HARDEN ?= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now
CPPFLAGS += -Iinclude -D_GNU_SOURCE -DMAILWHY_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 -g $(WARN) $(HARDEN)
# The packages may come only with 'make deps', so they are asked for when a rule runs, not when make reads this.
cflags = $(shell pkg-config --cflags $(PKGS) $(CLI_PKGS))
ldlibs = -Wl,--as-needed -lmilter -lunistring $(shell pkg-config --libs $(PKGS)) -pthread

LIB_ROOMS := reply catalog session event explain
lib_src := $(wildcard $(LIB_ROOMS:%=milter/%/*.c))
daemon_src := $(wildcard milter/mta/*.c milter/daemon/*.c)
cli_ldlibs = -lm $(shell pkg-config --libs $(CLI_PKGS))
review_src := $(wildcard milter/review/*.c)
cli_src := $(wildcard milter/cli/*.c) $(review_src) milter/daemon/config.c milter/daemon/endpoint.c
# make V=1 shows the commands.
say = $(if $(V),,@echo '  $(1) $@'; )
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

.PHONY: all demo check unit asan tsan bench fuzz lint format deps clean
all: $(BUILD)/mailwhyd $(BUILD)/mailwhy

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(cflags) -pthread -MMD -MP -c -o $@ $<

# These are taken into it as they are.
$(BUILD)/obj/milter/cli/review_assets.o: milter/cli/review.css milter/cli/review.js

$(BUILD)/libmailwhy.a: $(call obj,$(lib_src))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/mailwhyd: $(call obj,$(daemon_src)) $(BUILD)/libmailwhy.a
	$(call say,LD)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(ldlibs)

$(BUILD)/mailwhy: $(call obj,$(cli_src)) $(BUILD)/libmailwhy.a
	$(call say,LD)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(ldlibs) $(cli_ldlibs)

# Unit tests: each tests/unit/test_X.c is a program.
unit_bin := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

# The parts of mta, daemon and review that a unit test can use without an MTA.
$(BUILD)/unit/parts.a: $(call obj,$(filter-out milter/daemon/main.c,$(daemon_src)) $(review_src))
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/unit/parts.a $(BUILD)/libmailwhy.a
	$(call say,LD)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lcmocka $(ldlibs) $(cli_ldlibs)

unit: $(unit_bin)
.SECONDARY:

# The same again with sanitizers, each in a build directory of its own.
SANITIZE = HARDEN="-O1 -fno-omit-frame-pointer -fsanitize=$(1)" HARDEN_LD="-fsanitize=$(1)"
asan: ; +@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan $(call SANITIZE,address$(comma)undefined) all unit
tsan: ; +@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan $(call SANITIZE,thread) all
comma := ,

demo: deps
	+@$(MAKE) --no-print-directory all
	@/usr/bin/python3 tests/e2e/demo.py $(MTA)

check: deps
	+@$(MAKE) --no-print-directory all unit asan tsan
	@tests/check.sh $(BUILD)

bench: deps
	+@$(MAKE) --no-print-directory all
	@/usr/bin/python3 tests/bench/run.py

# Each tests/fuzz/fuzz_X.c, for FUZZ_SECONDS, from the seeds in tests/fuzz/X (replies: the fixture's). What it learns stays in the build directory.
FUZZ_SECONDS ?= 60
fuzz_bin := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_mta := footer netstring milter_frame proxy_session proxy_reply refusal explained ruleset_map service
$(BUILD)/fuzz/%: tests/fuzz/%.c $(lib_src) $(fuzz_mta:%=milter/mta/%.c) milter/cli/asked.c milter/cli/bounce.c
	@mkdir -p $(@D)
	$(call say,FUZZ)clang $(CPPFLAGS) -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined $(cflags) -o $@ $^ $(ldlibs) $(cli_ldlibs)

fuzz: deps
	+@$(MAKE) --no-print-directory $(fuzz_bin)
	@tests/fuzz/run.sh $(BUILD)/fuzz $(FUZZ_SECONDS)

lint: deps
	@tests/lint.sh

format:
	clang-format -i $(c_files)

c_files = $(shell find milter include tests -name '*.[ch]')

deps:
	@tests/deps.sh
	@tests/sendmail.sh $(BUILD)/sendmail

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
