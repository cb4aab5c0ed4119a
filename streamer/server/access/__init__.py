"""Who may do what: roles, tokens, sessions, tickets, and the table of what each route and message needs."""
