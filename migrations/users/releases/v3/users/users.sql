SELECT id, name, display_name, email, email_key FROM users ORDER BY id
