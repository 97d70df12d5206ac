"""Who may open the dashboard: off on this machine, a file of users, or an OpenID Connect provider."""
