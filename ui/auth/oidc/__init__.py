"""Sign-in by an OpenID Connect provider: authorisation code with PKCE, state and nonce."""
