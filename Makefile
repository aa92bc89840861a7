# mailwhy: make, make demo [MTA=sendmail], make check, make bench, make fuzz, make lint, make format, make deps, make clean; make install, make uninstall, make deb.

VERSION := 0.1.0
BUILD ?= build
# Where it is installed, below DESTDIR. Give "make" and "make install" the same.
PREFIX ?= /usr
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
PKGS := libpcre2-8 libconfuse libcrypto libsystemd zlib libzstd
CLI_PKGS := gmime-3.0 glib-2.0 libssl

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wcast-qual -Wvla $(if $(CI),-Werror)
HARDEN ?= -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now
CPPFLAGS += -Iinclude -D_GNU_SOURCE -DMAILWHY_VERSION='"$(VERSION)"'
paths := $(if $(filter-out /usr,$(PREFIX)),-DCATALOG_DIR='"$(PREFIX)/share/mailwhy/catalog"') \
    $(if $(filter-out /etc,$(SYSCONFDIR)),-DCONFIG_FOLDER='"$(SYSCONFDIR)/mailwhy"')
CPPFLAGS += $(paths)
CFLAGS += -std=c11 -g $(WARN) $(HARDEN)
# The packages may come only with 'make deps', so they are asked for when a rule runs, not when make reads this.
cflags = $(shell $(PKG_CONFIG) --cflags $(PKGS) $(CLI_PKGS))
ldlibs = -Wl,--as-needed -lmilter -lunistring $(shell $(PKG_CONFIG) --libs $(PKGS)) -pthread

LIB_ROOMS := reply catalog session event explain
lib_src := $(wildcard $(LIB_ROOMS:%=milter/%/*.c))
daemon_src := $(wildcard milter/mta/*.c milter/daemon/*.c)
daemon_ldlibs = $(shell $(PKG_CONFIG) --libs libmicrohttpd)
cli_ldlibs = -lm $(shell $(PKG_CONFIG) --libs $(CLI_PKGS))
review_src := $(wildcard milter/review/*.c)
cli_src := $(wildcard milter/cli/*.c) $(review_src) milter/daemon/config.c milter/daemon/endpoint.c milter/daemon/key_file.c \
	milter/mta/netstring.c
# make V=1 shows the commands.
say = $(if $(V),,@echo '  $(1) $@'; )
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

.PHONY: all demo check unit asan tsan bench fuzz lint format deps clean install uninstall deb FORCE
all: $(BUILD)/mailwhyd $(BUILD)/mailwhy

# All is compiled anew where the paths have changed.
$(BUILD)/obj/paths: FORCE
	@mkdir -p $(@D)
	@echo "$(PREFIX) $(SYSCONFDIR)" | cmp -s - $@ || echo "$(PREFIX) $(SYSCONFDIR)" >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/obj/paths
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(cflags) -pthread -MMD -MP -c -o $@ $<

# These are taken into it as they are.
$(BUILD)/obj/milter/cli/review_assets.o: milter/cli/review.css milter/cli/review.js

$(BUILD)/libmailwhy.a: $(call obj,$(lib_src))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(BUILD)/mailwhyd: $(call obj,$(daemon_src)) $(BUILD)/libmailwhy.a
	$(call say,LD)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ $(ldlibs) $(daemon_ldlibs)

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
	$(call say,LD)$(CC) $(CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $^ -lcmocka $(ldlibs) $(daemon_ldlibs) $(cli_ldlibs)

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
fuzz_mta := footer netstring milter_frame proxy_session proxy_reply refusal explained ruleset_map service sendmail metrics
$(BUILD)/fuzz/%: tests/fuzz/%.c $(lib_src) $(fuzz_mta:%=milter/mta/%.c) milter/cli/asked.c milter/cli/bounce.c milter/cli/wire_list.c milter/cli/wire_mc.c
	@mkdir -p $(@D)
	$(call say,FUZZ)clang $(CPPFLAGS) -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(cflags) -o $@ $^ $(ldlibs) $(cli_ldlibs)

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

# ---- Installing ---------------------------------------------------------------------------------------------------------------

# Each FROM:TO. Programs; texts; and what an operator changes: a file of these that is there and differs is left alone, and ours goes beside it as
# TO.dpkg-dist (a name that logrotate passes over).
share := $(PREFIX)/share
pages := $(wildcard conf/*.[1578] conf/*/*.[1578] milter/*/*.[1578])
programs := $(BUILD)/mailwhy:$(PREFIX)/bin/mailwhy $(BUILD)/mailwhyd:$(PREFIX)/sbin/mailwhyd
texts := $(foreach f,$(wildcard conf/catalog/*.conf conf/catalog/text/*.conf),$f:$(f:conf/%=$(share)/mailwhy/%)) \
    $(foreach f,$(pages),$f:$(share)/man/man$(patsubst .%,%,$(suffix $f))/$(notdir $f)) \
    conf/sendmail/mailwhy.m4:$(share)/sendmail/cf/feature/mailwhy.m4 \
    conf/prometheus/mailwhy.rules:$(share)/mailwhy/prometheus/mailwhy.rules \
    conf/grafana/mailwhy.json:$(share)/mailwhy/grafana/mailwhy.json \
    conf/completions/mailwhy.bash:$(share)/bash-completion/completions/mailwhy \
    conf/completions/_mailwhy:$(share)/zsh/vendor-completions/_mailwhy \
    conf/completions/mailwhy.fish:$(share)/fish/vendor_completions.d/mailwhy.fish \
    systemd/mailwhyd.service:$(UNITDIR)/mailwhyd.service systemd/mailwhyd.socket:$(UNITDIR)/mailwhyd.socket \
    systemd/mailwhy.sysusers:$(PREFIX)/lib/sysusers.d/mailwhy.conf systemd/mailwhy.tmpfiles:$(PREFIX)/lib/tmpfiles.d/mailwhy.conf
configs := conf/mailwhy.conf:$(SYSCONFDIR)/mailwhy/mailwhy.conf conf/logrotate/mailwhyd:$(SYSCONFDIR)/logrotate.d/mailwhyd \
    conf/fail2ban/filter.d/mailwhy-auth.conf:$(SYSCONFDIR)/fail2ban/filter.d/mailwhy-auth.conf \
    conf/fail2ban/jail.d/mailwhy.conf:$(SYSCONFDIR)/fail2ban/jail.d/mailwhy.conf \
    conf/lnav/mailwhy.json:$(SYSCONFDIR)/lnav/formats/mailwhy/mailwhy.json
# A text as it is installed: the paths it names are those of this installation.
as_installed = sed -e 's|/usr/share/mailwhy|$(share)/mailwhy|g' -e 's|/etc/mailwhy|$(SYSCONFDIR)/mailwhy|g' -e 's|/usr/sbin/mailwhyd|$(PREFIX)/sbin/mailwhyd|g'
each = set -e; for pair in $(1); do from=$${pair%%:*} to="$(DESTDIR)$${pair\#*:}"; $(2); done

install: all
	@$(call each,$(programs),install -D -m 0755 "$$from" "$$to")
	@$(call each,$(texts),$(as_installed) "$$from" | install -D -m 0644 /dev/stdin "$$to")
	@$(call each,$(configs),$(call install_config))
	@echo "installed below $(DESTDIR)/; man mailwhyd says how to go on"
install_config = $(as_installed) "$$from" >$(BUILD)/config.tmp; \
    if [ ! -e "$$to" ]; then install -D -m 0644 $(BUILD)/config.tmp "$$to"; \
    elif ! cmp -s $(BUILD)/config.tmp "$$to"; then install -m 0644 $(BUILD)/config.tmp "$$to.dpkg-dist"; \
        echo "$$to has been changed and stays; ours is $$to.dpkg-dist"; fi; \
    rm -f $(BUILD)/config.tmp

# What was changed stays, and so do the log and the user.
uninstall:
	@$(call each,$(programs) $(texts),rm -f "$$to")
	@$(call each,$(configs),$(as_installed) "$$from" | cmp -s - "$$to" && rm -f "$$to" || [ ! -e "$$to" ] || echo "$$to has been changed and stays")
	@for dir in $(share)/mailwhy/catalog/text $(share)/mailwhy/catalog $(share)/mailwhy $(SYSCONFDIR)/lnav/formats/mailwhy $(SYSCONFDIR)/mailwhy; do \
	    rmdir "$(DESTDIR)$$dir" 2>/dev/null || true; done

# A Debian package, in build/deb.
deb:
	@tests/deps.sh deb
	@rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/mailwhy
	@cp -a Makefile README.md LICENSE conf include milter systemd $(BUILD)/deb/mailwhy/
	@mv $(BUILD)/deb/mailwhy/conf/debian $(BUILD)/deb/mailwhy/
	cd $(BUILD)/deb/mailwhy && env -u MAKEFLAGS -u MAKELEVEL -u CI dpkg-buildpackage -b -us -uc $(if $(V),,>../build.log 2>&1 || { tail -n 30 ../build.log; exit 1; })
	@rm -rf $(BUILD)/deb/mailwhy
	@ls $(BUILD)/deb/*.deb

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
