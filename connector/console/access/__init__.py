"""Who is let in to the console: logins, sessions, what a request must show. Pages know only a `Person`."""
