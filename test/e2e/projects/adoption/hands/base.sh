# What an administrator does first.
useradd -m -s /bin/bash -c Anna anna
install -d -m 0700 -o anna -g anna /home/anna/.ssh
cat >/home/anna/.ssh/authorized_keys <<'X'
# laptop
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGKcyWpSyyAb1HKnL0dJ6VdF3M2gDrN9ZrGvxZmFh0Cn anna@laptop
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKLUkuQ4g3bvaYAY9k0GFs2d1Pl1yTmG6JDOT271Vr/x anna@desk
X
chmod 0600 /home/anna/.ssh/authorized_keys
chown anna:anna /home/anna/.ssh/authorized_keys
echo 'anna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/anna
chmod 0440 /etc/sudoers.d/anna
printf '# many clients\nnet.core.somaxconn = 8192\n' >/etc/sysctl.d/99-tuning.conf
sysctl -q -p /etc/sysctl.d/99-tuning.conf
printf '10.78.60.40 backup.shop.example backup\n' >>/etc/hosts
