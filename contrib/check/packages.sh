#!/bin/sh
# Makes sure that the Debian packages that the tests need are installed. It installs missing ones if it may (as root,
# or with sudo without a password). Otherwise it names them and fails.
set -eu

packages="postfix dovecot-imapd rspamd ngircd inspircd atheme-services weechat-headless python3-zmq python3-cryptography python3-feedparser
 python3-aiosmtpd dnsmasq-base xvfb dunst dbus dbus-x11 libnotify-bin libglib2.0-bin xdotool chromium postgresql fonts-dejavu-core gcc libc6-dev
 slapd ldap-utils xz-utils krb5-kdc krb5-admin-server krb5-user
 rabbitmq-server python3-pika nats-server gource curl openssl openssh-client systemd iproute2 iptables"

missing=""
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
done
if [ -z "$missing" ]; then
	exit 0
fi

if [ "$(id -u)" = 0 ]; then
	as=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as="sudo"
else
	echo "The tests need these Debian packages. Install them, then run make check again:" >&2
	echo "  apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

apt() {
	$as env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

install_missing() {
	# shellcheck disable=SC2086 # the list is meant to split
	apt update && apt install -y --no-install-recommends $missing
}

echo "installing:$missing"
install_missing || {
	echo "apt failed once; trying again" >&2
	install_missing
}
