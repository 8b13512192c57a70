# What Debian installs, started as Debian starts it.
systemctl enable --now named apache2 php8.2-fpm
