# mailwhy: make, make demo, make check, make bench, make fuzz, make lint, make format, make install, make deps, make clean.

VERSION := 0.1.0
BUILD ?= build
CC ?= gcc
PKGS := libpcre2-8 libconfuse libcrypto libsystemd

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wcast-qual -Wvla $(if $(CI),-Werror)
HARDEN ?= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now
CPPFLAGS += -Iinclude -D_GNU_SOURCE -DMAILWHY_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 -g $(WARN) $(HARDEN)
# The packages may come only with 'make deps', so they are asked for when a rule runs, not when make reads this.
cflags = $(shell pkg-config --cflags $(PKGS))
ldlibs = -lmilter $(shell pkg-config --libs $(PKGS)) -pthread

LIB_ROOMS := reply catalog session event explain
lib_src := $(wildcard $(LIB_ROOMS:%=milter/%/*.c))
daemon_src := $(wildcard milter/mta/*.c milter/daemon/*.c)
cli_src := $(wildcard milter/cli/*.c)
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

.PHONY: all demo check unit e2e bench fuzz lint format install deps clean
all: $(BUILD)/mailwhyd $(BUILD)/mailwhy

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(cflags) -pthread -MMD -MP -c -o $@ $<

$(BUILD)/libmailwhy.a: $(call obj,$(lib_src))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/mailwhyd: $(call obj,$(daemon_src)) $(BUILD)/libmailwhy.a
	$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(ldlibs)

$(BUILD)/mailwhy: $(call obj,$(cli_src)) $(BUILD)/libmailwhy.a
	$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(ldlibs)

# Unit tests: each tests/unit/test_X.c is a program.
unit_bin := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

# The parts of mta and daemon that a unit test can use without an MTA.
$(BUILD)/unit/parts.a: $(call obj,$(filter-out milter/daemon/main.c,$(daemon_src)))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/unit/parts.a $(BUILD)/libmailwhy.a
	$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lcmocka $(ldlibs)

unit: $(unit_bin)

deps:
	@tests/deps.sh

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
