"""The blog service: users and their posts, which began in a SQLite file."""
