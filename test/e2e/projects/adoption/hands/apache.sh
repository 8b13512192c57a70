# A shop that a person set up: sites of their own, ports, a snippet, a certificate, a pool.
a2enmod -q ssl rewrite headers proxy_fcgi setenvif expires
a2disconf -q serve-cgi-bin
a2dissite -q 000-default
cat >/etc/apache2/ports.conf <<'X'
Listen 80
Listen 8080
<IfModule ssl_module>
	Listen 443
</IfModule>
X
cat >/etc/apache2/conf-available/hardening.conf <<'X'
ServerTokens Prod
ServerSignature Off
TraceEnable Off
X
a2enconf -q hardening
cat >/etc/apache2/mods-available/mpm_event.conf <<'X'
# tuned 2021
<IfModule mpm_event_module>
	ServerLimit             32
	StartServers            2
	MinSpareThreads         25
	MaxSpareThreads         75
	ThreadLimit             64
	ThreadsPerChild         25
	MaxRequestWorkers       400
	MaxConnectionsPerChild  0
</IfModule>
X
install -d /var/www/shop
printf "<?php echo 'shop'; ?>\n" >/var/www/shop/index.php
printf 'The shop of 2021\n' >/var/www/shop/about.html
cat >/etc/apache2/sites-available/shop.conf <<'X'
<VirtualHost *:80>
	ServerName www.shop.example
	Redirect permanent / https://www.shop.example/
</VirtualHost>
<VirtualHost *:443>
	ServerName www.shop.example
	ServerAlias shop.example
	DocumentRoot /var/www/shop
	SSLEngine On
	SSLCertificateFile /etc/ssl/certs/shop.pem
	SSLCertificateKeyFile /etc/ssl/private/shop.key
	<FilesMatch "\.php$">
		SetHandler "proxy:unix:/run/php/shop.sock|fcgi://shop"
	</FilesMatch>
</VirtualHost>
X
cat >/etc/apache2/sites-available/intranet.conf <<'X'
<VirtualHost *:8080>
	DocumentRoot /var/www/html
</VirtualHost>
X
chmod 0640 /etc/apache2/sites-available/intranet.conf
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=www.shop.example \
  -keyout /etc/ssl/private/shop.key -out /etc/ssl/certs/shop.pem 2>/dev/null
a2ensite -q shop intranet
sed -e 's/^\[www\]/[shop]/' -e 's:^listen = .*:listen = /run/php/shop.sock:' /etc/php/8.2/fpm/pool.d/www.conf \
  >/etc/php/8.2/fpm/pool.d/shop.conf
mv /etc/php/8.2/fpm/pool.d/www.conf /etc/php/8.2/fpm/pool.d/www.conf.disabled
systemctl enable --now php8.2-fpm apache2
