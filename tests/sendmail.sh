#!/bin/sh
# Unpack Debian's Sendmail into the folder that is the argument: its packages and Postfix's exclude each other, so it is not installed. Does nothing where
# it is there.
set -eu
folder=$1
packages="sendmail-bin sendmail-cf"

download() {
    rm -rf "$folder.new"
    mkdir -p "$folder.new"
    # shellcheck disable=SC2086 # a list
    (cd "$folder.new" && apt-get -qq -o APT::Sandbox::User= download $packages)
}

refresh_lists() {
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root apt-get -q update >/dev/null
}

[ ! -x "$folder/usr/libexec/sendmail/sendmail" ] || exit 0
echo "deps: unpacking $packages into $folder"
download || { refresh_lists && download; } || {
    echo "deps: apt-get could not download: $packages" >&2
    exit 1
}
for package in "$folder.new"/*.deb; do
    dpkg-deb -x "$package" "$folder.new"
    rm "$package"
done
rm -rf "$folder"
mv "$folder.new" "$folder"
