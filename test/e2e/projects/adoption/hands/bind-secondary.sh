# Its copies, as the manual shows them.
cat >/etc/bind/named.conf.options <<'X'
options {
	directory "/var/cache/bind";
	allow-recursion { 10.78.60.0/24; localhost; };
	dnssec-validation no;
	listen-on-v6 { none; };
};
X
cat >/etc/bind/named.conf.local <<'X'
zone "shop.example" { type slave; masters { 10.78.60.11; }; file "db.shop.example"; };
zone "60.78.10.in-addr.arpa" { type slave; masters { 10.78.60.11; }; file "db.10.78.60"; };
X
systemctl enable --now named
left=60
until dig +short +norecurse @127.0.0.1 shop.example SOA | grep -q 2026110302; do
  [ "$left" -gt 0 ] || exit 1
  left=$((left - 1))
  sleep 0.5
done
