"""Sign-in: off (this machine only), a file of users, or an OpenID Connect provider."""
