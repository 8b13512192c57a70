# A name server as the manual shows it: options, zones of its own, serials by date.
cat >/etc/bind/named.conf.options <<'X'
acl trusted { 10.78.60.0/24; localhost; };
options {
	directory "/var/cache/bind";
	recursion yes;
	allow-recursion { trusted; };
	allow-transfer { 10.78.60.12; };
	dnssec-validation no;
	listen-on-v6 { none; };
};
X
cat >/etc/bind/named.conf.local <<'X'
zone "shop.example" { type master; file "/etc/bind/db.shop.example"; also-notify { 10.78.60.12; }; };
zone "60.78.10.in-addr.arpa" { type master; file "/etc/bind/db.10.78.60"; also-notify { 10.78.60.12; }; };
zone "old.example" { type master; file "/etc/bind/db.old.example"; };
X
cat >/etc/bind/db.shop.example <<'X'
$TTL 86400
@	IN	SOA	ns1.shop.example. root.shop.example. (
			2026110302	; serial
			604800 86400 2419200 86400 )
	IN	NS	ns1
	IN	NS	ns2
	IN	MX	10 mail
ns1	IN	A	10.78.60.11
ns2	IN	A	10.78.60.12
www	IN	A	10.78.60.21
mail	IN	A	10.78.60.9
X
cat >/etc/bind/db.10.78.60 <<'X'
$TTL 86400
@	IN	SOA	ns1.shop.example. root.shop.example. ( 2026110301 604800 86400 2419200 86400 )
	IN	NS	ns1.shop.example.
11	IN	PTR	ns1.shop.example.
12	IN	PTR	ns2.shop.example.
X
cat >/etc/bind/db.old.example <<'X'
$TTL 86400
@	IN	SOA	ns1.shop.example. root.shop.example. ( 7 604800 86400 2419200 86400 )
	IN	NS	ns1.shop.example.
X
chown root:bind /etc/bind/db.*
systemctl enable --now named
