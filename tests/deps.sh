#!/bin/sh
# Install what the build, the demo and the tests need and this machine lacks (Debian 12); with "deb", only what "make deb" needs.
# Says what it installs; does nothing, and needs no privileges, where nothing is missing.
set -eu

build="gcc make libc6-dev libmilter-dev libpcre2-dev libconfuse-dev libssl-dev libsystemd-dev libunistring-dev libgmime-3.0-dev libglib2.0-dev libxxhash-dev zlib1g-dev libzstd-dev libmicrohttpd-dev pkg-config"
tests="libcmocka-dev postfix dovecot-core sasl2-bin libsasl2-modules libsasl2-modules-db swaks python3-minimal python3 python3-milter opendkim rspamd openssl
    valgrind strace zstd systemd-journal-remote pflogsumm
    lnav logrotate fail2ban prometheus zsh fish
    chromium chromium-driver python3-selenium poppler-utils fonts-dejavu-core"
sendmail="m4 libdb5.3 libldap-2.5-0 liblockfile1 libnsl2 libwrap0" # what tests/sendmail.sh unpacks needs these
deb="debhelper dpkg-dev fakeroot"
# The package is tried in a small Debian of its own, which systemd runs.
machine="lintian mmdebstrap systemd systemd-container"
lint="clang clang-format clang-tidy libclang-rt-14-dev mandoc shellcheck"

missing=
case ${1:-} in
deb) wanted="$build $deb" ;;
*) wanted="$build $tests $sendmail $deb $machine $lint" ;;
esac
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "deps: installing$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "deps: run 'make deps' as root, or install sudo" >&2; exit 1; }
    as_root=sudo
fi
# A Postfix that comes only for the tests stays unconfigured: nothing of it starts by itself.
case $missing in
*" postfix"*) echo "postfix postfix/main_mailer_type select No configuration" | $as_root debconf-set-selections ;;
esac
# Nor does a fail2ban, of which only fail2ban-regex and the like are used, an OpenDKIM, an rspamd, or a Prometheus, of which promtool is. They
# are not started now, and not at the next boot.
idle=
for package in fail2ban opendkim rspamd prometheus; do
    case $missing in
    *" $package"*) idle="$idle $package" ;;
    esac
done
case $idle in
?*)
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap '$as_root rm -f /usr/sbin/policy-rc.d' EXIT
        # shellcheck disable=SC2016 # it is that script's argument
        printf '#!/bin/sh\ncase $1 in fail2ban | opendkim | rspamd | prometheus) exit 101 ;; esac\n' | $as_root tee /usr/sbin/policy-rc.d >/dev/null
        $as_root chmod 755 /usr/sbin/policy-rc.d
    fi
    ;;
esac
$as_root apt-get -q update >/dev/null || echo "deps: the package lists could not be refreshed; trying with what is there" >&2
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends --no-remove install $missing >/dev/null || {
    echo "deps: apt-get could not install:$missing" >&2
    exit 1
}
for package in $idle; do
    $as_root update-rc.d "$package" disable >/dev/null
done
